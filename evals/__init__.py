"""How good the answers are: `python -m evals`."""
