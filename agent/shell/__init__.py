"""What the commands of the shell print and do, each beside the part that it is about."""
