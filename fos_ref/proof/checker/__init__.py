"""The proof that the checker names the mistakes that were planted."""
