"""What was asked and answered, and what people said of it: tables, their migrations, and reading and writing them.

Everything here blocks; `agent.recording` owns the one thread that does it beside the answering.
"""

from agent.records.keys import ApiKey
from agent.records.store import Records
from agent.records.values import Given, Opinion, Record, Turn

__all__ = ["ApiKey", "Given", "Opinion", "Record", "Records", "Turn"]
