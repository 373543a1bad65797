"""The chain: up to 10^8 blocks in one digest. Each step's input is drawn from the digest of the step before.

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
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.schema import check
from fos_ref.vectors.words import words

KIND = "chains"
SIDE = 400  #: rows and columns of a step's tensor
BLOCKS = SIDE * SIDE // BLOCK  #: of 16 values: 10,000 a step
WIDE = 384  #: columns that a recipe of blocks of 32 takes, since 400 are no whole blocks
STEPS = 10_000  #: of the first chains
_COMMENT = (
    "Each chain is a recipe and an input dtype; sha256 is the digest after so many steps of 10,000 blocks. "
    "How a step's input follows from the digest before it: docs/vectors.md."
)
_LATER_COMMENT = (
    "Chains of other formats and programs; sha256 is the digest after so many steps of 160,000 values, or of "
    "153,600 in blocks of 32. How a step's input follows from the digest before it: docs/vectors.md."
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
#: Chains that are younger than the first file.
LATER = (
    Chain("fouroversix-if4-mse-16x16", "bfloat16"),
    Chain("fouroversix-if6-e2m3-mse", "bfloat16"),
    Chain("fouroversix-nvint6", "float32"),
    Chain("ocp-mxfp6-e3m2", "bfloat16"),
    Chain("ocp-mxfp8-e4m3", "bfloat16"),
    Chain("flashinfer-nvfp4", "bfloat16"),
    Chain("razer-4over6", "bfloat16"),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file of chains."""

    chains: tuple[Chain, ...]
    steps: int  #: of each
    comment: str

    @property
    def points(self) -> tuple[int, ...]:
        """The steps whose digests are kept."""
        return (1, 10, *range(100, self.steps + 1, 100))


NAME = "v1/chains.json"
FILES: Mapping[str, File] = MappingProxyType(
    {NAME: File(CHAINS, STEPS, _COMMENT), "v1/chains-3.json": File(LATER, 1_000, _LATER_COMMENT)}
)


def values_of(r: Recipe) -> int:
    """Return the values of a step that a recipe quantizes: the first columns, as many as are whole blocks."""
    return SIDE * _columns(r)


def _columns(r: Recipe) -> int:
    return SIDE if SIDE % r.block_cols == 0 else WIDE


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
    Dtypes:   x of `dtype`, amax float32
    Raises:   InputError for another dtype, and for what is not 32 bytes.
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
    columns = _columns(r)
    for _ in range(steps):
        given = step_input(state, chain.dtype)
        q = quantize(given.x[:, :columns], r, amax=given.amax, engine=engine)
        made = hashlib.sha256(state)
        made.update(np.ascontiguousarray(q.codes).data)
        made.update(np.ascontiguousarray(q.block_scales).data)
        state = made.digest()
        yield state


def document(
    engine: str, name: str = NAME, steps: int | None = None, done: Callable[[str], None] = lambda _: None
) -> Json:
    """Return every chain of a file with its digests; `done` is called with what is under way.

    steps: of each chain; None: as many as the file has
    """
    file, chains = FILES[name], []
    for chain in file.chains:
        done(chain.id)
        chains.append(_chain(chain, file, engine, file.steps if steps is None else steps))
    return {"format": FORMAT, "kind": KIND, "comment": file.comment, "chains": chains}


def _chain(chain: Chain, file: File, engine: str, steps: int) -> Json:
    points = [
        {"step": i, "sha256": state.hex()}
        for i, state in enumerate(walk(chain, steps, engine), 1)
        if i in file.points
    ]
    r = PRESETS[chain.recipe]
    return {
        "id": chain.id,
        "recipe": chain.recipe,
        "fingerprint": r.fingerprint(),
        "dtype": chain.dtype,
        "blocks": _blocks(r, steps),
        "points": points,
    }


def _blocks(r: Recipe, steps: int) -> int:
    """Return the blocks of a chain; each row of a tile counts as one."""
    return steps * values_of(r) // r.block_cols


def read(data: bytes, name: str = NAME) -> list[Json]:
    """Return the chains of a file; GoldenFormatError for anything that `document` would not write."""
    found, file = parse(data, name), FILES[name]
    check(found, KIND, name)
    for chain, c in zip(found["chains"], file.chains, strict=False):
        r = PRESETS[c.recipe]
        blocks = _blocks(r, file.steps)
        shape = (c.id, c.recipe, c.dtype, r.fingerprint(), blocks, list(file.points))
        given = (*(chain[k] for k in ("id", "recipe", "dtype", "fingerprint", "blocks")), _steps(chain))
        if given != shape:
            msg = f"{name}: chain {chain['id']!r}: {c.id} of {file.steps} steps is allowed, every point of it"
            raise GoldenFormatError(msg)
    if len(found["chains"]) != len(file.chains):
        msg = f"{name}: {len(found['chains'])} chains: {len(file.chains)} are allowed"
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
