"""Writes digests of 100,000 segments, and the sample: `python -m tests.export.mac.pin_segments`."""

from __future__ import annotations

import json
from pathlib import Path

from fos_ref.export.segments import segment_files, UNITS

HERE = Path(__file__).parent
COUNT, SAMPLE = 100_000, 12
CODE_8 = ("datapath", "assert")


def main() -> None:
    found: dict[str, object] = {"count": COUNT, "seed": 0, "sample": SAMPLE}
    for unit in UNITS:
        found[unit] = {policy: pinned(unit, policy) for policy in CODE_8}
        folder = HERE / "sample" / unit
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in segment_files(unit, SAMPLE).items():
            if name in RESULTS or (name.endswith(".memh") and unit == "nvfp4"):
                (folder / name).write_bytes(data)
    (HERE / "segments.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


RESULTS = ("acc.memh", "cycle.memh", "segment.memh")


def pinned(unit: str, policy: str) -> dict[str, object]:
    """Return the results and the digests of a set; the beats are those of every unit."""
    manifest = json.loads(segment_files(unit, COUNT, 0, policy)["MANIFEST.json"])
    files = {n: f["sha256"] for n, f in manifest["files"].items() if n.endswith(".memh")}
    return {k: manifest[k] for k in ("cycles", "results", "lost")} | {"files": files}


if __name__ == "__main__":
    main()
