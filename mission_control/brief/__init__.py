"""The brief: one page for who comes on duty, each line with its evidence."""
