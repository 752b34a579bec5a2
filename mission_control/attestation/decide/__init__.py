"""What a session shows of execution: pure decisions."""
