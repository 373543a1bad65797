"""A run, step by step; and all runs of a config, with what they found."""
