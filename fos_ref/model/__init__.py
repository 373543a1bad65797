"""The specification in NumPy: readable beside docs/numerics.md, every float32 rounding explicit."""
