"""Run by Alembic: migrate on the connection that `agent.records.database` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from agent.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # on SQLite too: `agent.records.database` begins its transactions itself
)
with context.begin_transaction():
    context.run_migrations()
