"""Replay: what happened, from the logs, with execution evidence first."""
