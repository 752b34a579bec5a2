"""How a replay is shown: Markdown, JSON, a page of its own with a timeline; and two compared."""
