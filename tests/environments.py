"""Record what the corpus hashes to on one machine; merge several machines' records into reports/.

    PYTHONPATH=. python3 tests/environments.py record NAME --out DIR [--sizes small full] [--engine NAME]
        [--note TEXT] [--emulator TEXT]
    PYTHONPATH=. python3 tests/environments.py tests DIR/NAME.json JUNIT TEXT
    PYTHONPATH=. python3 tests/environments.py merge DIR [--anew]

`record` needs NumPy and ml_dtypes only, so that it runs where nothing can be installed. `tests` adds the
counts of a pytest run in the same environment, from the file of `pytest --junitxml`; TEXT says which tests.
`merge` adds the records of DIR to those of reports/environments.json (`--anew`: takes those of DIR alone, as
after a change of bits) and refuses any that disagree: the committed file states that all of them agreed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import ml_dtypes
import numpy as np

from fos_ref.proof.corpus import KNOWN, run
from fos_ref.proof.result import environment
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import Targets

REPORT = Path(__file__).parents[1] / "reports" / "environments.json"
DISABLE = "NPY_DISABLE_CPU_FEATURES"
NUMBA = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")


def hashes(sizes: list[str], engine: str) -> tuple[dict[str, str], dict[str, int], bool]:
    """Return ({what: sha256}, {size: blocks}, whether all are the known ones)."""
    found = run(lambda _done, _total: None, 1, engine, sizes)
    kept = {k: v for k, v in found.figures.items() if k.endswith((": inputs", ": results", ": steps"))}
    blocks = {s: found.figures[f"{s}: blocks"] for s in sizes}
    return kept, blocks, found.unexplained == 0


def machine() -> dict[str, Any]:
    """Return what a result could depend on."""
    seen = environment()
    return {
        "machine": seen["machine"],
        "byteorder": sys.byteorder,
        "libc": " ".join(platform.libc_ver()),
        "python": seen["python"],
        "numpy": np.__version__,
        "ml_dtypes": ml_dtypes.__version__,
        "numpy_simd": seen["simd"],
        "disabled": os.environ.get(DISABLE, "").split(),
        "numba": {k: v for k, v in os.environ.items() if k in NUMBA},
    }


def tests_of(junit: Path, what: str) -> dict[str, Any]:
    """Return the counts of a pytest run from its JUnit file."""
    suites = ET.parse(junit).getroot().iter("testsuite")  # noqa: S314 -- written by pytest a moment ago
    counts = [{k: int(s.attrib[k]) for k in ("tests", "failures", "errors", "skipped")} for s in suites]
    total = {k: sum(c[k] for c in counts) for k in counts[0]}
    passed = total["tests"] - total["failures"] - total["errors"] - total["skipped"]
    return {"what": what, "passed": passed, "failed": total["failures"] + total["errors"]}


def record(a: argparse.Namespace) -> int:
    """Write DIR/NAME.json."""
    start = time.perf_counter()
    found, blocks, known = hashes(a.sizes, a.engine)
    data = {
        "name": a.name,
        "note": a.note,
        "emulator": a.emulator,
        "engine": a.engine,
        **machine(),
        "seconds": round(time.perf_counter() - start, 1),
        "blocks": blocks,
        "hashes": found,
        "tests": None,
    }
    publish(a.out, {f"{a.name}.json": data})
    print(json.dumps(data, indent=1))  # noqa: T201
    return 0 if known else 1


def publish(folder: Path, documents: dict[str, Any]) -> None:
    """Write documents, text as it is and anything else as JSON."""
    texts = {n: d if isinstance(d, str) else json.dumps(d, indent=1) + "\n" for n, d in documents.items()}
    write_all(Targets(folder, list(texts)), {name: text.encode() for name, text in texts.items()})


def attach(a: argparse.Namespace) -> int:
    """Add the counts of a test run to a record."""
    data = json.loads(a.record.read_bytes())
    data["tests"] = tests_of(a.junit, a.what)
    publish(a.record.parent, {a.record.name: data})
    print(json.dumps(data["tests"]))  # noqa: T201
    return 0 if data["tests"]["failed"] == 0 else 1


def agreed(records: list[dict[str, Any]]) -> dict[str, str]:
    """Return the hashes that all records share; ValueError names the first record that disagrees."""
    shared: dict[str, str] = {}
    for r in records:
        for what, value in r["hashes"].items():
            if shared.setdefault(what, value) != value:
                msg = f"{r['name']}: {what} is {value}, elsewhere {shared[what]}"
                raise ValueError(msg)
    return dict(sorted(shared.items()))


def merged(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document of reports/environments.json: the shared hashes once, then who found them."""
    rows = [{**r, "hashes": sorted(r["hashes"])} for r in sorted(records, key=lambda r: r["name"])]
    return {"format": 1, "hashes": agreed(records), "environments": rows}


def table(document: dict[str, Any]) -> str:
    """Return the environments as a Markdown table."""
    head = ["environment", "engine", "machine", "Python", "NumPy", "ml_dtypes", "C library", "SIMD", "blocks"]
    lines = [[*head, "tests"], ["---"] * (len(head) + 1)]
    lines += [_row(e) for e in document["environments"]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _row(e: dict[str, Any]) -> list[str]:
    where = f"{e['machine']}, {e['byteorder']} endian"
    simd = " ".join(e["numpy_simd"]) or "none"
    simd += " (the rest switched off)" if e["disabled"] else ""
    simd += "".join(f"; {k}={v}" for k, v in e["numba"].items())
    t = e["tests"]
    tests = f"{t['passed']:,} passed, {t['failed']} failed ({t['what']})" if t else "not run"
    versions = [e["python"], e["numpy"], e["ml_dtypes"], e["libc"]]
    emulated = f", {e['emulator']}" if e["emulator"] else ""
    return [
        e["name"],
        e["engine"],
        where + emulated,
        *versions,
        simd,
        f"{sum(e['blocks'].values()):,}",
        tests,
    ]


def committed() -> dict[str, dict[str, Any]]:
    """Return the records of reports/environments.json by name, each with its hashes."""
    document = json.loads(REPORT.read_bytes())
    shared = document["hashes"]
    return {e["name"]: {**e, "hashes": {w: shared[w] for w in e["hashes"]}} for e in document["environments"]}


def merge(a: argparse.Namespace) -> int:
    """Write reports/environments.json and .md from what is there and DIR/*.json."""
    found = [json.loads(p.read_bytes()) for p in sorted(a.folder.glob("*.json"))]
    before = {} if a.anew else committed()
    records = list((before | {r["name"]: r for r in found}).values())
    document = merged(records)
    publish(REPORT.parent, {REPORT.name: document, f"{REPORT.stem}.md": table(document)})
    print(f"{len(records)} environments agree")  # noqa: T201
    return 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("record")
    one.add_argument("name")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--sizes", nargs="+", choices=list(KNOWN), default=list(KNOWN))
    one.add_argument("--engine", default="numpy")
    one.add_argument("--note", default="")
    one.add_argument("--emulator", default="")
    one.set_defaults(run=record)
    ran = commands.add_parser("tests")
    ran.add_argument("record", type=Path)
    ran.add_argument("junit", type=Path)
    ran.add_argument("what")
    ran.set_defaults(run=attach)
    many = commands.add_parser("merge")
    many.add_argument("folder", type=Path)
    many.add_argument("--anew", action="store_true")
    many.set_defaults(run=merge)
    a = parser.parse_args()
    return a.run(a)


if __name__ == "__main__":
    sys.exit(main())
