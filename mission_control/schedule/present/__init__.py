"""The day, its plan and the sessions to come, as documents."""
