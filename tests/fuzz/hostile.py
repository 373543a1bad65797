"""Values that readers trip over: strings, numbers, types, and JSON of another form than was meant."""

from __future__ import annotations

from typing import Any

STRINGS = (
    "",
    " ",
    ".",
    "..",
    "/",
    "../a",
    "a/b",
    "a\0b",
    "\ud800",
    "\udcff",
    "\x1b]0;pwn\x07",
    "\x1b[31m",
    "a\nb",
    "a\r",
    "b\n",
    "\x9b2J",
    "\u202eabc\u2066",
    "\u200b",
    "\N{GRINNING FACE}",
    "e\u0301",
    "\uff10",
    "\u0660",
    "nan",
    "NaN",
    "inf",
    "-1",
    "1e999",
    "0x10",
    "+3F80000",
    "3F80_000",
    " 3F80000",
    "3f800000",
    "00",
    "0 0",
    "0  0",
    "raises",
    "__metadata__",
    "weight_map",
    "[red]x[/red]",
    "=1+1",
    "%s%n",
    "{x}",
    "NUL",
    "nvfp4",
    "F32",
    "U8",
    "a" * 300,
    "A" * 5000,
    "\u202e" * 2000,
    "</td><script>",
    "$\\frac$",
    "| |",
)
NUMBERS = (
    0,
    -1,
    1,
    2,
    3,
    7,
    15,
    16,
    17,
    255,
    256,
    65536,
    2**31 - 1,
    2**31,
    2**32,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    -(2**63),
    10**12,
    10**30,
    10**400,
    0.5,
    -0.0,
    1.0,
    1e308,
    5e-324,
    float("nan"),
    float("inf"),
    float("-inf"),
)
DTYPES = (
    "F32",
    "F16",
    "BF16",
    "F64",
    "U8",
    "I8",
    "I64",
    "BOOL",
    "F8_E4M3",
    "F8_E5M2",
    "F8_E8M0",
    "F4",
    "C64",
)
DESCRS = ("<f4", ">f4", "|u1", "<f2", "<f8", "|V2", "|V0", "|O", "<U4", "|S4", "|b1", "<c8", "<M8[ns]", "<i4")
DESCRS += ("<f5", "f4,f4", "", "(2,)f4", "<V2147483647")


def nested(depth: int, of: str = "[]") -> Any:
    """Return lists, or objects, inside one another."""
    found: Any = 0
    for _ in range(depth):
        found = [found] if of == "[]" else {"a": found}
    return found


def value(rng: Any) -> Any:
    """Draw a JSON value."""
    kind = rng.randrange(10)
    if kind < 4:
        return rng.choice(STRINGS)
    if kind < 7:
        return rng.choice(NUMBERS)
    if kind < 9:
        return rng.choice((None, True, False, [], {}, [[]], [None], {"": None}, [0] * 50, {"a": {"b": [1]}}))
    return nested(rng.choice((3, 63, 64, 65, 200, 900)), rng.choice(("[]", "{}")))
