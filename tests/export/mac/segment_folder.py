"""A folder of segments with its designs, compiled and run by a simulator."""

from __future__ import annotations

from pathlib import Path

from fos_ref.export.segments import segment_files
from tests.export.exported import run

SOURCES = ["fos_segments.sv", "fos_fp32.sv", "fos_mac_parts.sv", "fos_mac_core.sv", "fos_mac_folded.sv"]
SOURCES += ["fos_mac.sv", "fos_mac_tb.sv"]


def written(folder: Path, unit: str, count: int, seed: int = 0, code8: str = "datapath") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in segment_files(unit, count, seed, code8).items():
        (folder / name).write_bytes(data)
    return folder


def compiled(folder: Path, *more: str) -> Path:
    command = ["iverilog", "-g2012", "-Wall", *more, "-o", "sim", *SOURCES]
    assert run(command, folder) == (0, "")
    return folder


def simulated(folder: Path) -> tuple[int, str]:
    return run(["vvp", "-n", "sim"], folder)
