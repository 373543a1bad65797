"""Objects as other libraries have them, and worse: what the tests of the doors hand in."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import FosError

X = np.random.Generator(np.random.Philox(1)).standard_normal((4, 32)).astype(np.float32)
Q = fos_ref.quantize(X)


def raising(error: BaseException, *names: str) -> object:
    """Return an object whose methods `names` raise."""

    def method(*_, **__):
        raise error

    return type("Foreign", (), dict.fromkeys(names, method))()


class Rude:
    """Every question about it raises."""

    def __getattribute__(self, name):
        raise KeyError(name)


class JaxLike:
    """DLPack refuses the dtype, __array__ gives it; `dtype` says what it is."""

    def __init__(self, a, dtype=None):
        self.a, self.dtype = a, a.dtype if dtype is None else np.dtype(dtype)

    def __dlpack__(self, **_):
        msg = "Unsupported dtype in DLTensor."
        raise BufferError(msg)

    def __dlpack_device__(self):
        return (1, 0)

    def __array__(self, dtype=None, copy=None):
        return self.a


def said(call, argument) -> str:
    """Return what the door says of an object: one printable line of moderate length."""
    with pytest.raises(FosError) as e:
        call(argument)
    words = str(e.value)
    assert words.isprintable(), words
    assert len(words) < 1000, words
    return words
