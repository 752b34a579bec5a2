"""The HTTP edge: asks services for their status, within deadlines; decides nothing."""
