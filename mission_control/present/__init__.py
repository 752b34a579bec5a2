"""Present: pure rendering: values in, text or bytes out."""
