"""History: how Alembic runs our migrations: over the connection it is handed."""

from alembic import context

from mission_control.record.history.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
