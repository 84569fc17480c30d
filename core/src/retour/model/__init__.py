"""Frozen values: what retour knows, without a database, a network or a clock."""
