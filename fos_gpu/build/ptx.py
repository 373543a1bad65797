"""What may stand in a kernel's PTX: operations that round once, to nearest even, and keep subnormals.

The list says what is allowed, so that an instruction nobody thought of is a violation too: no .ftz, no
.approx, no div.full, no fused operation, no add.f32 without its .rn (an assembler may fuse that one), no
rounding but to nearest.
A kernel that means one of these declares it, by entry: {"fos_sweep": {"cvt.rn.satfinite.e4m3x2.f32"}}.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

#: A word such as mul.rn.f32: an operation and its modifiers. Directives begin with a dot and are none.
WORD = re.compile(r"(?<![\w.$%])[a-z]\w*(?:\.\w+)+")
ENTRY = re.compile(r"^[^\S\n]*(?:\.\w+[^\S\n]+)*?\.(?:entry|func)\s+(?:\([^)]*\)\s*)?([\w$]+)", re.MULTILINE)
FLOAT = re.compile(r"\.(?:b?f16(?:x2)?|tf32|f32(?:x2)?|f64|u?e\dm\d(?:x[24])?)(?![\w])")
FUSED = re.compile(r"(?:fma|mad)\.(?!lo|hi|wide)\w+(?:\.\w+)*")
_LOOSE = re.compile(r"\.(?:ftz|approx|full|sat|relu)(?![\w])")
#: They move or compare bits of floats and round nothing.
_MOVES = re.compile(r"(?:ld|ldu|st|mov|selp|setp|set|slct|shfl|prmt|testp|call|neg|abs|copysign|min|max)\.")
_ROUNDED = re.compile(
    r"""(?:add|sub|mul)\.rn\.(?:f32(?:x2)?|f64)
    | (?:div|rcp|sqrt)\.rn\.(?:f32|f64)
    | cvt\.rn\.(?:bf16|f16)(?:x2)?\.f32   # a float32 narrowed
    | cvt\.rn\.f32\.f64
    | cvt\.rn\.f(?:32|64)\.[su]\d+         # from a whole number
    | cvt\.f32\.b?f16 | cvt\.f64\.f32      # exact
    | cvt\.r[nzmp]i\.f32\.f32              # to a whole number, by the rule that it names
    | cvt\.r[nzmp]i\.[su]\d+\.f32""",
    re.VERBOSE,
)
Declared = Mapping[str, Collection[str]]  #: entry -> instructions that its text means
FMA = "fma.rn.f32"  #: the one fused operation that a recipe may say


def entries(ptx: str) -> dict[str, str]:
    """Return the text of each kernel and function by its name; "" has what stands before the first."""
    starts = list(ENTRY.finditer(ptx))
    ends = [m.start() for m in starts[1:]] + [len(ptx)]
    found = {"": ptx[: starts[0].start() if starts else len(ptx)]}
    for m, end in zip(starts, ends, strict=False):
        found[m[1]] = found.get(m[1], "") + ptx[m.start() : end]
    return found


def violations(ptx: str, *, fused: bool, declared: Declared | None = None) -> list[str]:
    """Return the instructions that break the recipe's arithmetic, each once.

    fused: whether the recipe itself says fma; then fma.rn.f32 is allowed, and only that form.
    declared: what single entries hold on purpose; no other entry may.
    """
    said = declared or {}
    recipe = {FMA} if fused else set()
    found = {
        word
        for name, text in entries(ptx).items()
        for word in instructions(text) - recipe - set(said.get(name, ()))
        if not harmless(word)
    }
    return sorted(found)


def unused(ptx: str, declared: Declared) -> list[str]:
    """Return the declarations that no instruction needs, as "entry: instruction": they should go."""
    texts = entries(ptx)
    return sorted(
        f"{name}: {word}"
        for name, words in declared.items()
        for word in words
        if word not in instructions(texts.get(name, ""))
    )


def instructions(text: str) -> set[str]:
    """Return the instructions of a text that have a float type or say how they round."""
    words = set(WORD.findall(re.sub(r"//[^\n]*", "", text)))
    return {w for w in words if FLOAT.search(w) or _LOOSE.search(w)}


def harmless(word: str) -> bool:
    """Return whether an instruction changes no bit that the specification fixes."""
    if _LOOSE.search(word):
        return False
    return _MOVES.match(word) is not None or _ROUNDED.fullmatch(word) is not None


def count_fused(ptx: str) -> int:
    """Return how many fused multiply-adds a kernel holds."""
    return len(FUSED.findall(ptx))
