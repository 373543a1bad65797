"""`python -m fos_gpu.proof.products`: products on this GPU beside the model, their times, and FP8's bits.

Exact sums, certificates and TransformerEngine's order beside fos_ref.matmul, bit by bit; 4096 x 4096 x 4096
beside a float64 product of the card's own library, and timed. What the card keeps of FP8 products is
measured and printed; it is no claim.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fos_gpu.build.machine import card
from fos_gpu.build.probe import available
from fos_gpu.front import quantize as quantize_on_device
from fos_gpu.product_check import check_matmul
from fos_gpu.products import certificate, multiply, TOO_WIDE
from fos_gpu.products import exact as exact_sums
from fos_gpu.proof import eight_bits
from fos_gpu.proof.command import execute, parser
from fos_gpu.quantized import DeviceQuantized, to_device
from fos_gpu.tensors import to_numpy
from fos_ref import matmul
from fos_ref.engines.from_bytes import from_bytes
from fos_ref.engines.front import quantize
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import AnyArray
from fos_ref.matmul.operand import operand
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.storage.tensor import QuantizedTensor

SMALL, DEPTH, LARGE, PART = 160, 512, 4096, 128
SPREADS = (0, 1, 3, 8, 20, 40, 80, 126)  #: how far the scale bytes of an operand lie apart
RECIPES = ("nvfp4", "fouroversix-nvint4")
Put = Callable[[AnyArray], Any]


def frameworks() -> dict[str, Put]:
    """Return what puts an array on the device, for CuPy and, where it has CUDA, torch."""
    found: dict[str, Put] = {"cupy": importlib.import_module("cupy").asarray}
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return found
    if torch.cuda.is_available():
        found["torch"] = lambda v: torch.from_numpy(np.array(v)).cuda()
    return found


def drawn(seed: int, recipe: str, spread: int) -> tuple[QuantizedTensor, QuantizedTensor]:
    """Return random codes under scale bytes that lie `spread` apart at most."""
    rng = np.random.default_rng([5, seed, spread])

    def one() -> QuantizedTensor:
        low = int(rng.integers(0, 0x7F - spread))
        scales = rng.integers(low, low + spread + 1, (SMALL, DEPTH // 16)).astype(np.uint8)
        codes = rng.integers(0, 256, (SMALL, DEPTH // 2)).astype(np.uint8)
        return from_bytes(codes, scales, recipe, tensor_scale=1.0)

    return one(), one()


def compare(a: QuantizedTensor, b: QuantizedTensor, put: Put) -> tuple[int, int]:
    """Return (outputs compared, outputs that differ) of all that the kernel gives."""
    like = put(np.zeros(16, np.uint8))
    qa, qb = to_device(a, like), to_device(b, like)
    found, te = multiply(qa, qb), matmul.raw(a, b, "te")
    exact = matmul.exact(a, b)
    pairs: list[tuple[Any, Any]] = [(found.te, te.total + np.float32(0)), (found.te_bound, te.bound)]
    if exact.dtype == np.float64:
        pairs += [(found.exact, exact), (to_numpy(found.flags) & TOO_WIDE, np.zeros(exact.shape))]
    pairs += [(certificate(qa, qb, v), matmul.certificate(a, b, v)) for v in ("block", "element")]
    differ = 0
    for got, want in pairs:
        here = np.asarray(got) if isinstance(got, np.ndarray) else to_numpy(got)
        differ += int(np.count_nonzero((here != want) & ~((here != here) & (want != want))))  # noqa: PLR0124
    return sum(int(np.size(want)) for _, want in pairs), differ


def verdicts(put: Put) -> tuple[int, int]:
    """Return (verdicts compared, verdicts that are other ones than the host's)."""
    rng = np.random.default_rng(9)
    a, b = (quantize(rng.normal(size=(SMALL, DEPTH)).astype(np.float32), "nvfp4") for _ in range(2))
    like = put(np.zeros(16, np.uint8))
    qa, qb = to_device(a, like), to_device(b, like)
    raw, out = matmul.raw(a, b, "te").total, matmul.run(a, b, "te")
    moved = raw.copy()
    moved[3, 4] = np.nextafter(moved[3, 4], np.float32(np.inf))
    cases = [(raw, 1, True), (moved, 1, False), (out, None, True), (out.T.copy(), None, False)]
    wrong = 0
    for value, alpha, right in cases:
        found = check_matmul(put(value), qa, qb, alpha=alpha)
        wrong += (found.verdict == "certified-exact") != right
    wrong += not check_matmul(put(out.T.copy()), qa, qb).causes[0].startswith("Transposed")
    return len(cases) + 1, wrong


def large(times: dict[str, Any], put: Put) -> tuple[int, int]:
    """Time 4096^3; return (compared, differing) beside the card's float64 and a part of the host's."""
    cp = importlib.import_module("cupy")
    rng = np.random.default_rng(3)
    x = [(rng.standard_normal((LARGE, LARGE), dtype=np.float32)) for _ in range(2)]
    qa, qb = (quantize_on_device(put(v), "nvfp4") for v in x)
    exact = to_numpy(timed(times, "exact", lambda: exact_sums(qa, qb)))
    blocks = to_numpy(timed(times, "certificate", lambda: certificate(qa, qb)))
    te = multiply(qa, qb).te
    verdict = timed(times, "check_matmul", lambda: check_matmul(te, qa, qb, alpha=1))
    sides = [cp.asarray(wide(q)) for q in (qa, qb)]
    library = cp.asnumpy(timed(times, "float64 of the library", lambda: sides[0] @ sides[1].T))
    differ = int(np.count_nonzero(library != exact)) + (verdict.models != ("te",))
    left, right = (rows(q, PART) for q in (qa, qb))
    differ += int(np.count_nonzero(matmul.exact(left, right) != exact[:PART, :PART]))
    differ += int(np.count_nonzero(matmul.certificate(left, right) != blocks[:PART, :PART]))
    times["certified of 4096^2"] = int(np.count_nonzero(blocks))
    return exact.size + 1 + 2 * PART * PART, differ


def wide(q: DeviceQuantized) -> AnyArray:
    """Return codes times block scales (R, K) in float64, from the host's model."""
    own = operand(q.to_host())
    flat: AnyArray = (own.values.astype(np.float64) * own.scales[..., None]).reshape(len(own.values), -1)
    return flat


def rows(q: DeviceQuantized, count: int) -> QuantizedTensor:
    """Return the first rows of a tensor, on the host."""
    whole = q.to_host()
    scale = float(whole.decode_scale)
    return from_bytes(whole.codes[:count], whole.block_scales[:count], q.recipe, tensor_scale=scale)


def timed(times: dict[str, Any], name: str, call: Callable[[], Any]) -> Any:
    """Return the result of a call; note the best of three, in milliseconds, the device's work included."""
    cp = importlib.import_module("cupy")
    best = float("inf")
    for _ in range(4):
        cp.cuda.runtime.deviceSynchronize()
        start = time.perf_counter()
        found = call()
        cp.cuda.runtime.deviceSynchronize()
        best = min(best, time.perf_counter() - start)
    times[f"{name} of 4096^3, ms"] = round(1e3 * best, 2)
    return found


def run(times: dict[str, Any], progress: Progress, jobs: int) -> Finding:  # noqa: ARG001 -- one device
    """Compare, time and measure; ToolchainError where no kernel can run."""
    here = available()
    if not here:
        raise ToolchainError(here.reason)
    cases = [(put, r, s) for put in frameworks().items() for r in RECIPES for s in SPREADS]
    figures: dict[str, int] = {}
    differ = 0
    for done, ((name, put), recipe, spread) in enumerate(cases):
        progress(done, len(cases) + 2)
        count, wrong = compare(*drawn(done, recipe, spread), put)
        figures[f"outputs, {name}, {recipe}"] = figures.get(f"outputs, {name}, {recipe}", 0) + count
        differ += wrong
    for name, put in frameworks().items():
        figures[f"verdicts, {name}"], wrong = verdicts(put)
        differ += wrong
    put = next(iter(frameworks().values()))
    figures["outputs and bits of 4096^3"], wrong = large(times, put)
    missing = _eight_bits(times)
    return Finding(
        compared=sum(figures.values()), unexplained=differ + wrong, figures=dict(figures), not_run=missing
    )


def _eight_bits(times: dict[str, Any]) -> dict[str, str]:
    """Note what the card keeps of FP8 products; return why not, where it cannot."""
    try:
        times["FP8"] = eight_bits.measure()
    except (ImportError, RuntimeError, ValueError, AttributeError, TypeError, NotImplementedError) as e:
        return {"FP8 accumulation": f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"}
    return {}


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line; print its times and FP8's bits."""
    times: dict[str, Any] = {}
    proof = Proof(
        name="products-device",
        claim="Products on this GPU: exact sums, certificates and the order of a reference are the model's.",
        run=lambda progress, jobs: run(times, progress, jobs),
        minutes=1,
    )
    code = execute(proof, parser(proof).parse_args(argv), {**card(), "measured": times})
    sys.stdout.write(json.dumps(times, indent=1) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
