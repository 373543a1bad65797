"""The vectors that tell two values of an axis apart, and each mutant from its recipe."""
