"""How many bytes of an operand differ from a program's."""

import numpy as np

OPEN = 10_000  #: at most one rotated value in so many may depend on the order of summation


def differing(made, codes, block_scales, amax):
    """Return how many bytes of codes and of block scales, and how many amaxes, differ.

    A rotated value that the order of summation decides may move its block's bytes. There have to be few, and
    none may have moved one: the programs' orders on a CPU give what the exact sum gives.
    """
    q = made.tensor
    if made.decided is not None:
        assert np.count_nonzero(~made.decided) * OPEN <= made.decided.size
    return (
        int((q.codes != np.asarray(codes).reshape(q.codes.shape)).sum()),
        int((q.block_scales != np.asarray(block_scales).reshape(q.block_scales.shape)).sum()),
        int(q.tensor_amax.view(np.uint32) != np.float32(amax).view(np.uint32)),
    )


NONE = (0, 0, 0)
