"""How Alembic runs our migrations: over the connection it is handed."""

from alembic import context
from alembic.config import Config

from mission_control.history.schema import metadata


def run(config: Config) -> None:
    """Run what is missing."""
    context.configure(connection=config.attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


_config: Config | None = getattr(context, "config", None)
if _config is not None:  # only while Alembic runs this file; an import does nothing
    run(_config)
