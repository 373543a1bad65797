"""Cells and logic depth of the multiply-accumulate units: `python -m benchmarks.mac_size`, with yosys.

Each part is flattened and mapped to NAND, NOR and inverters by yosys and abc. That says how much logic a part
is, and how many cells stand one behind the other. It says neither square micrometres nor nanoseconds.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.mac_size_page import page
from fos_ref.export.source import static

SOURCES = ("fos_fp32.sv", "fos_mac_parts.sv", "fos_mac_core.sv", "fos_mac_folded.sv")
PROGRAM = "yosys"
#: A part: module, parameters beside IF4. Those without IF4 are the same in both units.
PARTS: dict[str, tuple[str, dict[str, int]]] = {
    "element product": ("fos_mac_element", {}),
    "scale product": ("fos_mac_scales", {}),
    "multiply stage, 1 lane": ("fos_mac_multiply", {"LANES": 1}),
    "multiply stage, 2 lanes": ("fos_mac_multiply", {"LANES": 2}),
    "multiply stage, 16 lanes": ("fos_mac_multiply", {"LANES": 16}),
    "float32 adder": ("fos_fp32_add", {}),
    "folded: whole sum of 16 lanes": ("fos_mac_whole", {}),
    "folded: value of a block": ("fos_mac_fold", {}),
}
SAME = ("fos_fp32_add",)
TOPS = {"lanes": "fos_mac_core", "folded": "fos_mac_folded"}
#: abc as yosys calls it: every part by the quick script; by the thorough one where that ends.
SCRIPTS = {"quick": "abc -fast -g cmos2", "thorough": "abc -g cmos2"}
_CELLS, _DEPTH = re.compile(r"Number of cells:\s+(\d+)"), re.compile(r"\(length=(\d+)\)")
_FLIP_FLOPS = re.compile(r"\$_S?DFFE?_\w+\s+(\d+)")


def yosys(commands: str, folder: Path, seconds: float) -> str | None:
    """Return what yosys says, or None where it does not end in time."""
    read = f"read_verilog -sv {' '.join(SOURCES)}"
    try:
        done = subprocess.run(  # noqa: S603 -- our own sources
            [PROGRAM, "-p", f"{read}; {commands}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout


def top(module: str, parameters: dict[str, int]) -> str:
    """Return the commands that choose a module with these parameters."""
    sets = " ".join(f"-set {k} {v}" for k, v in parameters.items())
    return f"{f'chparam {sets} {module}; ' if sets else ''}hierarchy -top {module}"


def measure(part: str, if4: int, script: str, folder: Path, seconds: float) -> dict[str, int] | None:
    """Return cells and depth of a part, or None where the script does not end in time."""
    module, more = PARTS[part]
    parameters = more if module in SAME else {"IF4": if4, **more}
    said = yosys(
        f"{top(module, parameters)}; synth -flatten -top {module}; {SCRIPTS[script]}; stat; ltp -noff",
        folder,
        seconds,
    )
    if said is None:
        return None
    return {"cells": int(_CELLS.findall(said)[-1]), "depth": int(_DEPTH.findall(said)[-1])}


def flip_flops(unit: str, if4: int, folder: Path) -> int:
    """Return the flip-flops of a unit of 16 lanes."""
    said = yosys(
        f"{top(TOPS[unit], {'IF4': if4})}; synth -flatten -noabc -top {TOPS[unit]}; stat", folder, 600
    )
    assert said is not None
    return sum(map(int, _FLIP_FLOPS.findall(said.rpartition("Printing statistics")[2])))


def again(before: dict[str, Any], folder: Path, seconds: float) -> dict[str, Any]:
    """Return the sizes with what the quick script did not end in time measured once more."""
    sources(folder)
    for part, found in before["parts"].items():
        for if4, unit in enumerate(("nvfp4", "if4")):
            if found["quick"][unit] is None:
                found["quick"][unit] = measure(part, if4, "quick", folder, seconds)
    return before


def sources(folder: Path) -> None:
    """Write the designs."""
    files = static("mac")
    for name in SOURCES:
        (folder / name).write_bytes(files[name])


def all_sizes(folder: Path, seconds: float) -> dict[str, Any]:
    """Return every part by both scripts, and the flip-flops."""
    sources(folder)
    parts: dict[str, object] = {}
    for part in PARTS:
        found: dict[str, object] = {}
        for script in SCRIPTS:
            sizes = [measure(part, if4, script, folder, seconds) for if4 in (0, 1)]
            found[script] = dict(zip(("nvfp4", "if4"), sizes, strict=True))
        parts[part] = found
        sys.stderr.write(f"{part} {json.dumps(found)}\n")
    flops = {u: {n: flip_flops(u, k, folder) for k, n in enumerate(("nvfp4", "if4"))} for u in TOPS}
    return {"seconds": seconds, "scripts": SCRIPTS, "parts": parts, "flip_flops": flops}


def main() -> int:
    """Measure, and write mac-size.json and mac-size.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports"))
    parser.add_argument("--seconds", type=float, default=150, help="how long a part may take")
    parser.add_argument("--again", action="store_true", help="only what the quick script did not end")
    asked = parser.parse_args()
    if shutil.which(PROGRAM) is None:
        sys.stderr.write("yosys is not installed: apt-get install yosys (Debian)\n")
        return 2
    version = subprocess.run(  # noqa: S603 -- as above
        [PROGRAM, "-V"], capture_output=True, text=True, check=True
    ).stdout
    path = asked.out / "mac-size.json"
    with tempfile.TemporaryDirectory() as name:
        if asked.again:
            sizes = again(json.loads(path.read_text(encoding="utf-8")), Path(name), asked.seconds)
        else:
            sizes = {"program": version.split(" (")[0]} | all_sizes(Path(name), asked.seconds)
    path.write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8")
    (asked.out / "mac-size.md").write_text(page(sizes), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
