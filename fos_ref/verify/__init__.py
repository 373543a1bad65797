"""Is it right, and if not, why? Inputs by name, comparison bit by bit."""
