"""What do we try it on? Distributions by name, aims at edges, Hypothesis strategies."""
