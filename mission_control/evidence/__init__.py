"""The evidence of a stretch of time, in one file that can be checked without us."""
