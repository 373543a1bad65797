"""The chain: 10^8 blocks in one digest. Each step's input is drawn from the digest of the step before.

One wrong bit changes every digest after it, and the kept digests show between which two it is.
docs/vectors.md states the chain for those who do not write Python; this is its code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.arguments import is_a, one_of
from fos_ref.engines.front import quantize
from fos_ref.errors import GoldenFormatError, InputError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import BLOCK
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.schema import check
from fos_ref.vectors.words import words

NAME = "v1/chains.json"
KIND = "chains"
SIDE = 400  #: rows and columns of a step's tensor
BLOCKS = SIDE * SIDE // BLOCK  #: 10,000 a step
STEPS = 10_000  #: 10^8 blocks
POINTS = (1, 10, *range(100, STEPS + 1, 100))  #: the steps whose digests are kept
_COMMENT = (
    "Each chain is a recipe and an input dtype; sha256 is the digest after so many steps of 10,000 blocks. "
    "How a step's input follows from the digest before it: docs/vectors.md."
)

_STATE_BYTES = 32  #: of a sha256
_WORD_BYTES = 8
_FIELD = 0xFF
#: Trailing zeros of a byte; that of 0 is never used.
_ZEROS = np.array([(r & -r).bit_length() - 1 if r else 0 for r in range(256)], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain: a recipe and the dtype of its inputs."""

    recipe: str
    dtype: str

    @property
    def id(self) -> str:
        """The text whose sha256 is the first digest: "recipe/dtype"."""
        return f"{self.recipe}/{self.dtype}"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields of a float stand."""

    kind: np.dtype[Any]
    word: np.dtype[Any]
    fraction_bits: int
    coarse: int  #: fraction bits that a coarse block keeps


_LAYOUTS: Mapping[str, _Layout] = MappingProxyType(
    {
        "bfloat16": _Layout(np.dtype(ml_dtypes.bfloat16), np.dtype("<u2"), 7, 0x60),
        "float32": _Layout(np.dtype(np.float32), np.dtype("<u4"), 23, 0x600000),
    }
)
CHAINS = (
    Chain("4over6", "bfloat16"),
    Chain("4over6", "float32"),
    Chain("4over6-mae", "bfloat16"),
    Chain("4over6-16x16", "bfloat16"),
    Chain("nvfp4", "bfloat16"),
    Chain("te-nvfp4", "bfloat16"),
    Chain("te-mse-256", "bfloat16"),
    Chain("te-mae-448", "bfloat16"),
    Chain("flashinfer-mae-256", "bfloat16"),
    Chain("fouroversix-mse", "bfloat16"),
)


def start(chain: Chain) -> bytes:
    """Return the digest before the first step: the sha256 of the chain's id in ASCII.

    Raises: InputError for what is no `Chain` of ASCII texts.
    """
    if not is_a(chain, Chain) or not chain.id.isascii():
        msg = f"chain {shown(chain)}: a Chain of ASCII texts is allowed, such as those of CHAINS"
        raise InputError(msg)
    return hashlib.sha256(chain.id.encode("ascii")).digest()


@dataclass(frozen=True, slots=True)
class Step:
    """The input of one step: what it quantizes, and the caller's amax."""

    x: AnyArray  #: (400, 400)
    amax: np.float32  #: the caller's tensor amax, above every magnitude of x


def step_input(state: bytes, dtype: str) -> Step:
    """Return the input of a step from the digest before it.

    state:    32 bytes, the digest before the step; k0, k1 and k2 are its first three 8-byte words
    dtype:    "bfloat16" or "float32"
    Shapes:   -> x (400, 400), amax ()
    Rounding: none; all arithmetic is on integers.
    Spec:     docs/vectors.md, "The chain".
    """
    if not is_a(state, bytes) or len(state) != _STATE_BYTES:
        msg = f"chain: state {shown(state)}: the {_STATE_BYTES} bytes of a digest are allowed"
        raise InputError(msg)
    one_of(dtype, _LAYOUTS, "chain: dtype")
    k0, k1, k2 = (int.from_bytes(state[i : i + _WORD_BYTES], "little") for i in (0, 8, 16))
    f = _LAYOUTS[dtype]
    u = words(k0, SIDE * SIDE * f.word.itemsize // _WORD_BYTES).astype("<u8", copy=False).view(f.word)
    u = u.astype(f.word.newbyteorder("="), copy=False).reshape(BLOCKS, BLOCK)
    b = words(k1, BLOCKS * 2 // _WORD_BYTES).astype("<u8", copy=False).view("<u2").astype(np.uint32)
    top = _top(k2)
    r = (u >> f.fraction_bits) & f.word.type(_FIELD)
    field = np.uint32(top) - ((b & 3) * (b >> 2 & 7))[:, None] - _ZEROS[r]
    fraction = np.where(b >> 5 & 3, (1 << f.fraction_bits) - 1, f.coarse).astype(u.dtype)[:, None]
    sign = u & f.word.type(1 << (8 + f.fraction_bits))
    is_zero = (r == 0) | ((b >> 7 & 63) == 0)[:, None]
    bits = np.where(is_zero, sign, sign | field.astype(u.dtype) << f.fraction_bits | u & fraction)
    amax = np.uint32((top + 1) << 23 | _amax_fraction(k2)).view(np.float32)
    return Step(bits.view(f.kind).reshape(SIDE, SIDE), amax)


def _top(k2: int) -> int:
    """Return the largest exponent field of a step: near 1 in three steps of four, anywhere in the others."""
    drawn = (k2 & 0xFFFFFFFF) >> 2
    return 119 + drawn % 16 if k2 % 4 else 32 + drawn % 222


def _amax_fraction(k2: int) -> int:
    """Return the fraction of a step's A: in half of the steps C / A is a power of two, for C of 1536 or 2688.

    Then scaled values of coarse blocks stand on midpoints of E2M1, which a drawn fraction hardly ever gives.
    """
    return (0x400000, 0x280000, k2 >> 32 & 0x7FFFFF, k2 >> 32 & 0x7FFFFF)[k2 >> 62]


def walk(chain: Chain, steps: int, engine: str) -> Iterator[bytes]:
    """Yield the digest after each step."""
    state, r = start(chain), PRESETS[chain.recipe]
    for _ in range(steps):
        given = step_input(state, chain.dtype)
        q = quantize(given.x, r, amax=given.amax, engine=engine)
        made = hashlib.sha256(state)
        made.update(np.ascontiguousarray(q.codes).data)
        made.update(np.ascontiguousarray(q.block_scales).data)
        state = made.digest()
        yield state


def document(engine: str, steps: int = STEPS, done: Callable[[str], None] = lambda _: None) -> Json:
    """Return every chain with its digests; `done` is called with what is under way."""
    chains = []
    for chain in CHAINS:
        done(chain.id)
        chains.append(_chain(chain, engine, steps))
    return {"format": FORMAT, "kind": KIND, "comment": _COMMENT, "chains": chains}


def _chain(chain: Chain, engine: str, steps: int) -> Json:
    points = [
        {"step": i, "sha256": state.hex()}
        for i, state in enumerate(walk(chain, steps, engine), 1)
        if i in POINTS
    ]
    return {
        "id": chain.id,
        "recipe": chain.recipe,
        "fingerprint": PRESETS[chain.recipe].fingerprint(),
        "dtype": chain.dtype,
        "blocks": steps * BLOCKS,
        "points": points,
    }


def read(data: bytes) -> list[Json]:
    """Return the chains of the file; GoldenFormatError for anything that `document` would not write."""
    found = parse(data, NAME)
    check(found, KIND, NAME)
    for chain, c in zip(found["chains"], CHAINS, strict=False):
        shape = (c.id, c.recipe, c.dtype, PRESETS[c.recipe].fingerprint(), STEPS * BLOCKS, list(POINTS))
        given = (*(chain[k] for k in ("id", "recipe", "dtype", "fingerprint", "blocks")), _steps(chain))
        if given != shape:
            msg = f"{NAME}: chain {chain['id']!r}: {c.id} of {STEPS} steps is allowed, every point of it"
            raise GoldenFormatError(msg)
    if len(found["chains"]) != len(CHAINS):
        msg = f"{NAME}: {len(found['chains'])} chains: {len(CHAINS)} are allowed"
        raise GoldenFormatError(msg)
    chains: list[Json] = found["chains"]
    return chains


def _steps(chain: Json) -> list[int]:
    return [point["step"] for point in chain["points"]]


def first_wrong(chain: Json, engine: str, steps: int) -> tuple[int, str, str] | None:
    """Return (step, digest got, digest committed) of the first point up to `steps` that differs, or None."""
    points = {p["step"]: p["sha256"] for p in chain["points"]}
    for i, state in enumerate(walk(Chain(chain["recipe"], chain["dtype"]), steps, engine), 1):
        if points.get(i, state.hex()) != state.hex():
            return i, state.hex(), points[i]
    return None
