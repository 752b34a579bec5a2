"""Every check of the gate, and the verdict."""
