"""The gate: GO or NO-GO, and why."""
