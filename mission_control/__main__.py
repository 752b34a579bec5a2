"""Entry point: `python -m mission_control` and the command `mission-control`."""

from mission_control.cli.main import cli


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    cli(prog_name="mission-control")


if __name__ == "__main__":
    main()
