"""The proof, made by trying, that nothing here can write."""
