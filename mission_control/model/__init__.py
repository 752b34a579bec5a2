"""Model: the vocabulary: frozen values that every room speaks."""
