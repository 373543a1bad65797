"""JAX arrays at the doors, where JAX is installed: float32, float16 and bfloat16; bytes."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError
from fos_ref.verify import check

jax = pytest.importorskip("jax", reason="jax is not installed: test_foreign_objects.py has a fake of it")
X = np.random.Generator(np.random.Philox(1)).standard_normal((4, 32)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_jax_array_gives_the_bits_of_its_values(dtype):
    x = jax.numpy.asarray(X).astype(dtype)
    q, want = fos_ref.quantize(x), fos_ref.quantize(np.asarray(x))
    assert q.codes.tobytes() == want.codes.tobytes()
    assert fos_ref.exact_error(x, q).tobytes() == fos_ref.exact_error(np.asarray(x), want).tobytes()
    scales = jax.numpy.asarray(q.block_scales).view(jax.numpy.float8_e4m3fn)
    assert check(x, jax.numpy.asarray(q.codes), scales, amax=abs(x).max()).equal
    back = fos_ref.unswizzle(jax.numpy.asarray(fos_ref.swizzle(scales)), 4, 2)
    assert back.tobytes() == q.block_scales.tobytes()


def test_what_has_no_values_here_is_refused():
    gone = jax.numpy.ones((4, 32))
    gone.delete()
    for x in (
        gone,
        jax.random.key(0),
        jax.numpy.ones((4, 32), "int32"),
        jax.numpy.ones((4, 32), "float8_e4m3fn"),
    ):
        with pytest.raises(DtypeError):
            fos_ref.quantize(x)

    def inside(x):
        with pytest.raises(DtypeError, match="x of type DynamicJaxprTracer: TracerArrayConversionError"):
            fos_ref.quantize(x)
        return x

    jax.jit(inside)(jax.numpy.ones((4, 32)))
