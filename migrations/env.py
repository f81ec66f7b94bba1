"""Alembic's entry: runs the numbered migrations on the connection it is given."""

from alembic import context

import ops.models

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=ops.models.metadata, compare_type=True, compare_server_default=True
)
with context.begin_transaction():
    context.run_migrations()
