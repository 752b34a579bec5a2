"""What gives a secret away, and what is shown instead."""
