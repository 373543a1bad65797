"""What training numerics cost, measured: rounders, their bias, shared noise, one layer's three products."""
