"""The matrix of reports/models-ptq.md: methods x recipes x draws on SmolLM2-135M.

    python -m benchmarks.models pack DIR; python -m benchmarks.ptq pack DIR   where the packages are
    python -m benchmarks.ptq run DIR... --out OUT                             on the GPU
    python -m benchmarks.ptq join RUN.json... --out reports                   several runs as one page

`run` writes OUT anew after each method, so what a limit of time cuts off loses one method.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.models.packed import unpack
from benchmarks.ptq import page
from benchmarks.ptq.arms import arms, layers, METHODS, rechosen
from benchmarks.ptq.bits import check
from benchmarks.ptq.seen import seen
from fos_ref.models import loading, scoring, text, windows
from fos_ref.models.draws import phases
from fos_ref.recipes.catalog import recipe

RECIPES = (
    "nvfp4",
    "4over6",
    "4over6-mae",
    "4over6-absmax",
    "te-mse-448",
    "fpquant-4over6-mse",
    "fouroversix-if4-mse",
    "ocp-mxfp4",
    "scale-optimum",
)
EVERY = 5  #: each 5th lede is scored; the one behind it is calibrated on
LENGTH = 512
CALIBRATION = "calibration.npy"
_LAYER, _ROWS = 4, 96  #: of the first block, whose block scales are compared


def say(words: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stderr.flush()


def pack(folder: Path) -> None:
    """Write the tokens of the calibration, the ledes behind those that are scored, into a folder."""
    encode = loading.load("smollm2").encode
    assert encode is not None
    ids = encode("\n\n".join(text.ledes(1).documents[1::EVERY]))
    count = len(ids) // LENGTH
    np.save(folder / CALIBRATION, np.asarray(ids[: count * LENGTH], np.uint16).reshape(count, LENGTH))


def sums(model: Any, every: Any, given: argparse.Namespace) -> Any:
    """Return the loss of each window, in nats; products in TF32 if that was asked for."""
    torch.backends.cuda.matmul.allow_tf32 = given.tf32
    tokens = np.concatenate(list(scoring.score(model, every, given.batch)))
    torch.backends.cuda.matmul.allow_tf32 = False
    return np.add.reduceat(tokens.astype(np.float64), windows.offsets(every)[:-1]).tolist()


def measure(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Run it; yield the losses by method, recipe, draw and window after each method."""
    torch.backends.cuda.matmul.allow_tf32 = False
    with unpack(given.places) as (gguf, tokens, about):
        loaded = loading.load(str(gguf), device=given.device)
    model, recipes, every = loaded.model, [recipe(n) for n in given.recipes], phases(given.draws)
    scored = windows.disjoint(tokens.tolist(), LENGTH)[: given.windows]
    (held,) = (p / CALIBRATION for p in given.places if (p / CALIBRATION).exists())
    calibrated = torch.from_numpy(np.load(held)[: given.calibration].astype(np.int64)).to(given.device)
    say(f"{len(scored)} windows are scored, {len(calibrated)} calibrated on")
    stats = seen(model, list(calibrated.split(8)))
    w = layers(model)[_LAYER].weight(model)[:_ROWS]
    compared = {
        r.name: dict(zip(("compared", "different"), check(w, r, every[-1]), strict=True)) for r in recipes
    }
    say(f"block scales: {compared}")
    device = torch.cuda.get_device_name() if given.device.startswith("cuda") else "CPU"
    losses: dict[str, dict[str, list[Any]]] = {"float32": {"float32": [sums(model, scored, given)]}}
    for method in given.methods:
        here = rechosen(recipes) if method == METHODS[-1] else recipes
        losses[method] = {r.name: [] for r in here}
        for r, draw in arms(model, method, here, every, stats):
            losses[method][r.name].append(sums(model, scored, given))
            say(f"{method} {r.name} draw {draw}")
        yield {
            "ran_on": {"device": device, "torch": torch.__version__, "tf32": given.tf32},
            "model": loaded.about["sha256"],
            "text": about,
            "windows": len(scored),
            "length": LENGTH,
            "calibration_windows": len(calibrated),
            "phases": list(every),
            "block_scales": compared,
            "losses": losses,
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ptq", allow_abbrev=False)
    parser.add_argument("what", choices=("pack", "run", "join"))
    parser.add_argument("places", nargs="+", type=Path, help="folders of the pack; files of runs, for join")
    parser.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--windows", type=int, default=None, help="at most so many, of 512 tokens")
    parser.add_argument("--calibration", type=int, default=64, help="windows of 512 tokens")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tf32", action="store_true", help="products of the scored forward in TF32")
    given = parser.parse_args(argv)
    if given.what == "pack":
        pack(given.places[0])
        return 0
    if given.what == "join":
        page.write(
            given.out, page.joined([json.loads(p.read_text("utf-8")) for p in given.places]), windows=False
        )
        return 0
    for run in measure(given):
        page.write(given.out, page.joined([run]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
