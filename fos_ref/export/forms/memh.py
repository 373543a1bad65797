"""One folder a recipe of files for $readmemh, a column a file, a word a line; a package and a testbench."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.export.columns import BLOCKS, Column
from fos_ref.export.source import Source, static
from fos_ref.export.tables import Tables
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import plain_values, Recipe

_DIGIT = 4  #: bits of a hex digit
PACKAGE = "fos_vectors.sv"
IDS = "ids.txt"
FLAGS, FLAG_WORDS = "flags.txt", "flags.memh"


def memh_files(source: Source) -> dict[str, bytes]:
    """Return RECIPE/COLUMN.memh for each column of the blocks, RECIPE/fos_vectors.sv and the sources."""
    found = static("sv")
    for t in source.tables():
        for name, text in _folder(t, source):
            found[f"{t.recipe.name}/{name}"] = text.encode("ascii")
    return found


def _folder(t: Tables, source: Source) -> Iterator[tuple[str, str]]:
    yield PACKAGE, _package(t, source)
    yield IDS, "".join(f"{x.id} {','.join(x.flags) or '-'} {x.comment}\n" for x in t.texts)
    yield FLAGS, "".join(f"{flag}\n" for flag in t.flags())
    yield FLAG_WORDS, "".join(f"{word:0{-(-_flag_bits(t) // _DIGIT)}X}\n" for word in _flag_words(t))
    for c in BLOCKS:
        yield (
            f"{c.name}.memh",
            "".join(f"{word}\n" for word in _words(c, t.recipe, t.columns["blocks"][c.name])),
        )


def width(c: Column, r: Recipe) -> int:
    """Return the bits of one word of a column's file: its numbers side by side, the first in the low bits."""
    return c.width(r) * c.size(r)


def _words(c: Column, r: Recipe, a: AnyArray) -> Iterator[str]:
    """Yield a word for each row; the first number comes last on the line, as the low bits."""
    digits = -(-c.width(r) // _DIGIT)
    for row in np.atleast_2d(a.T).T[:, ::-1].tolist():
        yield "".join(f"{v:0{digits}X}" for v in row)


def _flag_words(t: Tables) -> Iterator[int]:
    """Yield a number for each vector: bit k is 1 where it shows the mistake of line k of flags.txt."""
    bits = {flag: 1 << k for k, flag in enumerate(t.flags())}
    for x in t.texts:
        yield sum(bits[flag] for flag in x.flags)


def _flag_bits(t: Tables) -> int:
    return max(1, len(t.flags()))


def _package(t: Tables, source: Source) -> str:
    r = t.recipe
    axes = {k: "" if v is None else v for k, v in plain_values(r.axes()).items() if k != "scale_max"}
    widths = [
        f"  localparam {_constant(c)} = {width(c, r)}; // {c.size(r)} of {c.width(r)} bits: {c.doc}"
        for c in BLOCKS
    ]
    lines = [
        f"// Golden vectors of the recipe {r.name}, written by `fos golden export`.",
        f"// Source: {source.named()}; fingerprint {r.fingerprint()}",
        "package fos_vectors;",
        f'  localparam RECIPE = "{r.name}";',
        f"  localparam VECTORS = {t.rows('vectors')};",
        f"  localparam BLOCKS = {t.rows('blocks')};",
        f"  localparam BLOCK_ROWS = {r.block_rows};",
        f"  localparam BLOCK_COLS = {r.block_cols};",
        f"  localparam ELEMENTS = {r.block_rows * r.block_cols};",
        f"  localparam SCALE_MAX = {r.scale_max};",
        "  // The axes of the recipe; empty: it has no meaning here.",
        *(f'  localparam {k.upper()} = "{v}";' for k, v in axes.items()),
        "  // Width of each file's words. COLUMN.memh has a word a line and a line a block.",
        *widths,
        f"  localparam FLAGS = {len(t.flags())}; // lines of {FLAGS}",
        f"  localparam W_FLAGS = {_flag_bits(t)}; // {FLAG_WORDS}: a line a vector; bit k: line k of {FLAGS}",
        "endpackage",
    ]
    return "\n".join([*lines, ""])


def _constant(c: Column) -> str:
    return f"W_{c.name.upper()}"
