"""What comes after quantization, measured: certified products, programs beside one another, causal leaks."""
