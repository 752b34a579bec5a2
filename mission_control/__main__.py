"""Entry point: `python -m mission_control` and the command `mission-control`."""

from mission_control.cli.main import cli
from mission_control.processes.collector import look_rarely


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    look_rarely()
    cli(prog_name="mission-control")


if __name__ == "__main__":
    main()
