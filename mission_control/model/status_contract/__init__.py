"""Status contract: what a service says of itself, in the shapes that the fleet serves."""
