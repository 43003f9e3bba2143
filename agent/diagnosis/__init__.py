"""What may be wrong with a set-up, and the command that mends it."""
