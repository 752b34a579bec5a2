"""Record: edges that remember: write-once artifacts and the ledger that chains them."""
