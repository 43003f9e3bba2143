"""What a running service tells its operator: log lines, metrics and traces; nothing in here decides anything."""
