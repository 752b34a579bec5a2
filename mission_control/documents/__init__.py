"""How documents are written: canonical JSON, Markdown, instants."""
