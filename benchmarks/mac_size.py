"""Cells and logic depth of the multiply-accumulate units: `python -m benchmarks.mac_size`, with yosys.

Each part is flattened and mapped to NAND, NOR and inverters by yosys and abc. That says how much logic a part
is, and how many cells stand one behind the other. It says neither square micrometres nor nanoseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
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
UNITS = ("nvfp4", "if4")
#: abc as yosys calls it: every part by the quick script; by the thorough one where that ends.
SCRIPTS = {"quick": "abc -fast -g cmos2", "thorough": "abc -g cmos2"}
_CELLS, _DEPTH = re.compile(r"Number of cells:\s+(\d+)"), re.compile(r"\(length=(\d+)\)")


def yosys(commands: str, folder: Path, seconds: float) -> str | None:
    """Return what yosys says, or None where it does not end in time."""
    read = f"read_verilog -sv {' '.join(SOURCES)}"
    command = [PROGRAM, "-p", f"{read}; {commands}"]
    running = subprocess.Popen(  # noqa: S603 -- our own sources
        command, cwd=folder, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, _ = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)  # abc is a process of its own
        running.communicate()
        return None
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    return said


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


def all_sizes(found: dict[str, Any], path: Path, seconds: float) -> None:
    """Measure what is missing, and what the quick script did not end; write each size at once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources(folder)
        for part in PARTS:
            for script, if4 in ((s, k) for s in SCRIPTS for k in range(len(UNITS))):
                sizes = found["parts"].setdefault(part, {}).setdefault(script, {})
                if UNITS[if4] in sizes and (sizes[UNITS[if4]] or script == "thorough"):
                    continue
                sizes[UNITS[if4]] = measure(part, if4, script, folder, seconds)
                path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def sources(folder: Path) -> None:
    """Write the designs."""
    files = static("mac")
    for name in SOURCES:
        (folder / name).write_bytes(files[name])


def main() -> int:
    """Measure, and write mac-size.json and mac-size.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports"))
    parser.add_argument("--seconds", type=float, default=150, help="how long a part may take")
    parser.add_argument(
        "--again", action="store_true", help="only what is missing, or did not end by the quick script"
    )
    asked = parser.parse_args()
    if shutil.which(PROGRAM) is None:
        sys.stderr.write("yosys is not installed: apt-get install yosys (Debian)\n")
        return 2
    version = subprocess.run(  # noqa: S603 -- as above
        [PROGRAM, "-V"], capture_output=True, text=True, check=True
    ).stdout
    path = asked.out / "mac-size.json"
    sizes = {"program": version.split(" (")[0], "seconds": asked.seconds, "scripts": SCRIPTS, "parts": {}}
    if asked.again:
        sizes = json.loads(path.read_text(encoding="utf-8"))
    all_sizes(sizes, path, asked.seconds)
    (asked.out / "mac-size.md").write_text(page(sizes), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
