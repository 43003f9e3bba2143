"""Answers and the feedback on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "answers",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("conversation_id", sa.Uuid, nullable=False),
        sa.Column("asked", sa.Double, nullable=False),
        sa.Column("user_hash", sa.String(64)),
        sa.Column("question_hash", sa.String(64), nullable=False),
        sa.Column("question", sa.Text),
        sa.Column("whole_question", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("library", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("citations", sa.Text, nullable=False),
        sa.Column("verification", sa.Text, nullable=False),
        sa.Column("timings", sa.Text, nullable=False),
    )
    op.create_index("ix_answers_conversation", "answers", ["conversation_id", "asked"])
    op.create_index("ix_answers_asked", "answers", ["asked"])
    op.create_index("ix_answers_user", "answers", ["user_hash"])
    op.create_table(
        "feedback",
        sa.Column("answer_id", sa.Uuid, sa.ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_hash", sa.String(64), primary_key=True),
        sa.Column("verdict", sa.String(4), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("given", sa.Double, nullable=False),
    )
    op.create_index("ix_feedback_user", "feedback", ["user_hash"])


def downgrade() -> None:
    """Drop them, and all that was recorded."""
    op.drop_table("feedback")
    op.drop_table("answers")
