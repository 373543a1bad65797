"""v1/training.json: random words, stochastic rounding, rotations, corrected scales, and one chain of all."""
