"""What is kept of editors' decisions and of answers: SQLite in the home, or PostgreSQL.

Statements are plain SQL that both databases read: SQLAlchemy costs 200 ms of the one second in which the service has to
be ready. Alembic, which stands on it, makes and changes the tables; it runs, in a process of its own, only when they
are not as this version wants them.
"""
