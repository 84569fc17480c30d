"""What may happen: pure functions from a dossier and a command to events. No database, no network, no clock."""
