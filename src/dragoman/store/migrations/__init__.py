"""How the tables come to be, step by step: one file below `versions` for each step, run by `store.migrate` with Alembic."""
