"""The tables as the newest migration leaves them; a test holds the two against each other.

Times are seconds since 1970 in UTC: SQLite has no type for them, and they are only compared.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text, Uuid

metadata = MetaData()

answers = Table(
    "answers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("asked", Double, nullable=False),
    Column("user_hash", String(64)),
    Column("question_hash", String(64), nullable=False),
    Column("question", Text),
    Column("whole_question", Text),
    Column("answer", Text),
    Column("status", String(16), nullable=False),
    Column("library", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("model", Text),
    Column("citations", Text, nullable=False),
    Column("verification", Text, nullable=False),
    Column("timings", Text, nullable=False),
    Index("ix_answers_conversation", "conversation_id", "asked"),
    Index("ix_answers_asked", "asked"),
    Index("ix_answers_user", "user_hash"),
)
"""`citations`, `verification` and `timings` are the JSON of their structs: nothing is ever selected by them."""

feedback = Table(
    "feedback",
    metadata,
    Column("answer_id", Uuid, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("user_hash", String(64), primary_key=True),
    Column("verdict", String(4), nullable=False),
    Column("reason", Text),
    Column("given", Double, nullable=False),
    Index("ix_feedback_user", "user_hash"),
)
"""One opinion of each person; all who don't say who they are count as one, whose `user_hash` is empty."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("made", Double, nullable=False),
    Column("revoked", Double),
)
"""Of a key there is only its SHA-256: it is random enough that nobody can try them out."""

records_key = Table(
    "records_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", String(64), nullable=False),
)
"""One row, in PostgreSQL: by it replicas see whether they hash people and questions under the same key."""
