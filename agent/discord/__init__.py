"""The parts of the Discord door, `agent.discord_adapter`: text, messages, the service's client, showing and buttons."""
