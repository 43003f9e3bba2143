"""`python -m agent` and the `fury-agent` command."""

from __future__ import annotations


def main() -> None:
    """Run the shell interface."""
    from agent.cli import run

    run()


if __name__ == "__main__":
    main()
