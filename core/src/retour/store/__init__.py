"""The store: events, indexes, effects and personal data on SQLite or PostgreSQL, through SQLAlchemy Core."""
