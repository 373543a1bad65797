"""The family of block-scaled formats beside 4/6, and how far 4/6 is from the best block scales."""
