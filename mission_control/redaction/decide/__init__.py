"""What gives a secret away: names, forms, pairs, blocks."""
