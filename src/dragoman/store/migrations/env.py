"""What Alembic runs for each migration: on the connection that `store.migrate` has opened, inside its transaction."""

from __future__ import annotations

from alembic import context

from dragoman.store.release import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE, transactional_ddl=True)
context.run_migrations()
