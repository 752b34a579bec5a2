"""CLI: the click commands; each calls the job that the server calls."""
