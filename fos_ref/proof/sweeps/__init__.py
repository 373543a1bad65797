"""The proofs that enumerate: every pattern, every product, every pair of scales."""
