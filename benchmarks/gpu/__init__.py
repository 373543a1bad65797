"""What the GPU path costs on one card: `python -m benchmarks.gpu --out DIR`. Without a GPU it is not run."""
