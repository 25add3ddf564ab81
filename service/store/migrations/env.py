"""What Alembic runs around the migrations; the connection, in its transaction, is from `service.store.migrating`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
