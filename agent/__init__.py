"""fury-agent: ask a Python library's own sources."""

__version__ = "0.1.0"
