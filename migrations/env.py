"""Alembic's entry: runs the numbered migrations on the connection it is given.

It knows nothing of the product's code, like the migrations themselves: what they do today they do in three years.
"""

import sqlalchemy as sa
from alembic import context

# What an operation without a name of its own is called. Written down here a second time, because the names that were
# given once must stay whatever the models do.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=sa.MetaData(naming_convention=NAMES))
with context.begin_transaction():
    context.run_migrations()
