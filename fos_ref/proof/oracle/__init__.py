"""The proof that the model gives the oracle's bits, step by step."""
