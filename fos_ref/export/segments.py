"""Random segments for a multiply-accumulate unit as files for $readmemh, with a bench and designs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.export.source import static
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.matmul.units import Beats, folded, mac, Results, segments
from fos_ref.vectors.canonical import canonical, FORMAT
from fos_ref.vectors.manifest import digest, MANIFEST
from fos_ref.version import VERSION as PACKAGE_VERSION

KIND = "segments of a multiply-accumulate unit"
PACKAGE = "fos_segments.sv"
#: By name: the arithmetic, the unit that it is asked for, and the design.
UNITS: Mapping[str, tuple[Callable[[str, Beats, str], Results], str, str]] = MappingProxyType(
    {
        "nvfp4": (mac, "nvfp4", "fos_nvfp4_mac"),
        "if4": (mac, "if4", "fos_if4_mac"),
        "nvfp4-folded": (folded, "nvfp4", "fos_nvfp4_folded_mac"),
        "if4-folded": (folded, "if4", "fos_if4_folded_mac"),
    }
)
_EN, _FIRST = 1, 2


def segment_files(unit: str, count: int, seed: int = 0, code8: str = "datapath") -> dict[str, bytes]:
    """Return the files of `count` random segments for a unit by name, MANIFEST.json last.

    The same arguments give the same bytes. Raises: as `segments` and `mac`; InputError for another unit.
    """
    one_of(unit, tuple(UNITS), "unit")
    beats = segments(count, seed, code8)
    run, name, design = UNITS[unit]
    results = run(name, beats, code8)
    found = static("mac") | dict(beat_files(beats)) | dict(result_files(results))
    found[PACKAGE] = _package(unit, design, beats, results, code8).encode("ascii")
    manifest = {
        "format": FORMAT,
        "kind": KIND,
        "source": {"program": "fos-ref", "version": PACKAGE_VERSION},
        "unit": unit,
        "count": count,
        "seed": seed,
        "code8": code8,
        "cycles": len(beats.first),
        "results": len(results.segments),
        "lost": len(results.lost),
        "files": {n: {"bytes": len(data), "sha256": digest(data)} for n, data in sorted(found.items())},
    }
    return found | {MANIFEST: canonical(manifest)}


def beat_files(beats: Beats) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the beats: a word a line, a line a cycle; lane 0 in the low bits."""
    enable = np.ones_like(beats.first) if beats.enable is None else beats.enable
    yield "a.memh", _lines(_codes(beats.a))
    yield "w.memh", _lines(_codes(beats.w))
    yield "a_sf.memh", _lines(beats.a_scale[:, None])
    yield "w_sf.memh", _lines(beats.w_scale[:, None])
    yield "control.memh", _lines((_EN * enable + _FIRST * beats.first).astype(np.uint8)[:, None])


def result_files(results: Results) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the results: a word a line, a line a result."""
    yield "acc.memh", _lines(_bytes(results.accumulators.view(np.uint32)))
    yield "cycle.memh", _lines(_bytes(results.cycles))
    yield "segment.memh", _lines(_bytes(results.segments))


def _codes(codes: U8) -> U8:
    """Return two codes a byte, the highest lane first."""
    back = codes[:, ::-1]
    found: U8 = back[:, 0::2] << np.uint8(4) | back[:, 1::2]
    return found


def _bytes(values: AnyArray) -> U8:
    found: U8 = values.astype(">u4").view(np.uint8).reshape(-1, 4)
    return found


def _lines(rows: U8) -> bytes:
    """Return each row of bytes as a line of hexadecimal digits."""
    n, width = rows.shape
    text = np.empty((n, 2 * width + 1), dtype=np.uint8)
    digits = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)
    text[:, 0:-1:2] = digits[rows >> 4]
    text[:, 1::2] = digits[rows & 15]
    text[:, -1] = ord("\n")
    return text.tobytes()


def _package(unit: str, design: str, beats: Beats, results: Results, code8: str) -> str:
    lines = [
        f"// Segments for the unit {unit}; code 8: {code8}. -DDUT=my_mac takes another design.",
        "package fos_segments;",
        f'  localparam UNIT = "{unit}";',
        f"  localparam int BEATS = {len(beats.first)};",
        f"  localparam int RESULTS = {len(results.segments)};",
        "endpackage",
        "`ifndef DUT",
        f"`define DUT {design} {'#(.CODE8_ASSERT(1))' if code8 == 'assert' else ''}".rstrip(),
        "`endif",
    ]
    return "\n".join([*lines, ""])
