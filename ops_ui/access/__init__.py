"""Who may see the pages: sign-in by OpenID Connect, or the word of a trusted proxy."""
