"""What fires, what pages, and why the rest does not: functions of values and `now`."""
