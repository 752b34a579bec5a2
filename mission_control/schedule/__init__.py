"""The scheduled day: plan, claims, runs, outcomes."""
