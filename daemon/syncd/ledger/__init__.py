"""The durable book: SQLite holds the operational truth, DuckDB the audit log that is fed from it."""
