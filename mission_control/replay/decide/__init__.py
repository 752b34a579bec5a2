"""What a line holds, what of it is evidence of execution, and what a replay answers."""
