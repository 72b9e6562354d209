"""What outlives the process: the database (SQLite or PostgreSQL), its tables and how they come to be. Knows nothing of HTTP."""
