"""The matrix of reports/models-matrix.md: recipes x operands x amax x draws on SmolLM2-135M.

    python -m benchmarks.models pack DIR                 where the packages are: model and tokens, in parts
    python -m benchmarks.models run DIR... --state FILE  on the GPU; again, to go on where it stopped
    python -m benchmarks.models report --state FILE      the page, the table and the JSON

The machine with the GPU needs neither a network nor the packages of model and text: DIR has both.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.models.packed import pack, PART_BYTES, unpack
from fos_ref.errors import FosError
from fos_ref.models.linears import linears
from fos_ref.models.loading import load
from fos_ref.models.matrix.bits import compared, inputs_of
from fos_ref.models.matrix.plan import plan, RECIPES
from fos_ref.models.matrix.run import environment, read_state, run, save
from fos_ref.models.matrix.text import documents
from fos_ref.models.needs import need
from fos_ref.models.windows import disjoint, offsets
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import Targets

_PLACES = (0, 99, 209)  #: of the layers whose bits are compared
EVERY, WINDOW = 5, 512


def main(words: list[str]) -> int:
    """Do what the words say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", allow_abbrev=False)
    parser.add_argument("what", choices=("pack", "run", "report"))
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--state", type=Path, default=Path("models-state.json"))
    parser.add_argument("--out", type=Path, default=Path("reports"))
    parser.add_argument("--every", type=int, default=EVERY, help="of the ledes, for pack")
    parser.add_argument("--part", type=int, default=PART_BYTES, help="bytes of a part, for pack")
    parser.add_argument("--seconds", type=float, default=540.0, help="no arm begins later, for run")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--window", type=int, default=WINDOW)
    parser.add_argument("--windows", type=int, default=None, help="at most so many")
    parser.add_argument("--recipe", nargs="*", default=list(RECIPES))
    parser.add_argument("--device", default="cuda")
    asked = parser.parse_args(words)
    try:
        return {"pack": _pack, "run": _run, "report": _report}[asked.what](asked)
    except (FosError, OSError) as e:
        sys.stderr.write(f"benchmarks.models: {e}\n")
        return 2


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _pack(asked: argparse.Namespace) -> int:
    for path in pack(asked.folders[0], asked.every, asked.part):
        _say(f"{path} {path.stat().st_size:,}")
    return 0


def _run(asked: argparse.Namespace) -> int:
    with unpack(asked.folders) as (gguf, tokens, about):
        loaded = load(str(gguf), device=asked.device)
    windows = disjoint(tokens.tolist(), asked.window)[: asked.windows]
    bounds = offsets(windows)
    common = {
        **about,
        "model_sha256": loaded.about["sha256"],
        "window": asked.window,
        "windows": len(windows),
        "scored": int(bounds[-1]),
        **environment(),
    }
    found = read_state(asked.state, common)
    layers = linears(loaded.model, loaded.head)
    some = [layers[p] for p in _PLACES if p < len(layers)]
    first = need("torch").from_numpy(np.stack([w.tokens for w in windows[:2]])).to(asked.device)
    seen = None
    for name in asked.recipe:
        if name not in found["bits"]:
            seen = seen or inputs_of(loaded.model, some, first)
            found["bits"][name] = compared(name, some, seen)
            _say(f"bits of {name}: {found['bits'][name]}")
    save(asked.state, found)
    wrong = [n for n in asked.recipe if found["bits"][n]["differing"]]
    if wrong:
        _say(f"differing bits, left out: {', '.join(wrong)}")
    arms = plan([n for n in asked.recipe if n not in wrong], asked.draws)
    whole = run(loaded, windows, arms, asked.state, about=common, seconds=asked.seconds, say=_say)
    _say("all arms are there" if whole else "time is over: run it again to go on")
    return 0 if whole and not wrong else 1


def _report(asked: argparse.Namespace) -> int:
    made = documents(read_state(asked.state, None))
    for path in write_all(Targets(asked.out, list(made)), made):
        _say(str(path))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
