"""How fast the compiled engine is, beside its peers and beside a plain copy: `python -m benchmarks`."""
