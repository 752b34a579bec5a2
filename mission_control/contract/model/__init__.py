"""The shapes of answers, and the claims heard in them."""
