"""Write-once records: store, ledger, verification."""
