"""The fast engine: the model's steps compiled by Numba, the same bits at the speed of the processor."""
