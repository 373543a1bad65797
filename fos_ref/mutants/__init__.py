"""What would a mistake give? Quantizers that are wrong on purpose, one mistake each."""
