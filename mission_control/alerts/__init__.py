"""The page that should go out does, once, with its cause; the one that should not is explained."""
