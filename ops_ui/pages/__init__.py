"""Pages: one module for each page that needs more than a template."""
