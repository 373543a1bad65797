"""The report as one page: every figure with its numbers, one file, no network."""
