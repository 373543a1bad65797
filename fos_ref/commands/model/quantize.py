"""`fos model quantize`: the weights of a causal language model by a method, under a recipe's scales."""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, one_of, RecipeName, whole
from fos_ref.commands.output import say_json

if TYPE_CHECKING:
    from fos_ref.ptq.model import Quantized

METHODS = ("rtn", "smoothquant", "awq", "gptq")
Source = Annotated[Path, typer.Argument(metavar="MODEL", help="A folder that transformers loads.")]
Target = Annotated[Path, typer.Argument(metavar="DST", help="A folder, new or empty.")]
Method = Annotated[str, one_of(METHODS, "How weights are rounded.")]
Calibration = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="UTF-8 text that activations are calibrated on; not for rtn."),
]


def quantize(  # noqa: PLR0917 -- typer reads the parameters
    source: Source,
    target: Target,
    recipe: RecipeName = "4over6",
    method: Method = "rtn",
    calibration: Calibration = None,
    windows: Annotated[int, whole("Windows of the text that are looked at.", 1, 1 << 20)] = 128,
    length: Annotated[int, whole("Tokens of a window.", 2, 1 << 20)] = 512,
    as_json: AsJson = False,  # noqa: FBT002 -- a switch
) -> None:
    """Quantize the linear layers of a causal language model into a checkpoint of compressed-tensors.

    The method is llm-compressor's (extra `ptq`); block scales and tensor scales are the recipe's, for the
    weights that the method makes, with one tensor scale for q/k/v and for gate/up. With rtn, smoothquant and
    awq so are the codes. Activations stay as they are. Embeddings, heads and routers are left alone.
    """
    from fos_ref.ptq.asked import Asked
    from fos_ref.ptq.calibration import Calibration as Windows
    from fos_ref.ptq.needs import check_packages

    text = None if calibration is None else Windows(path=calibration, windows=windows, length=length)
    asked = Asked.checked(source, target, recipe, method, text)
    check_packages()
    start = time.perf_counter()
    with redirect_stdout(sys.stderr):  # the peers say on it what they think of the machine
        from fos_ref.ptq.model import quantize_model

        done = quantize_model(asked)
    found = document(source, target, done, time.perf_counter() - start)
    if as_json:
        say_json(found)
    else:
        show(found)


def document(source: Path, target: Path, done: Quantized, seconds: float) -> dict[str, Any]:
    """Return what --json prints."""
    chosen = [q.picked4 for q in done.layers.values() if q.recipe.chooses and q.picked4 is not None]
    blocks = sum(p.size for p in chosen)
    return {
        "input": str(source),
        "output": str(target),
        "recipe": done.recipe.name,
        "recipe_fingerprint": done.recipe.fingerprint(),
        "method": done.method,
        "seconds": round(seconds, 3),
        "quantized": list(done.layers),
        "left": done.left,
        "picked4_share": sum(int(p.sum()) for p in chosen) / blocks if blocks else None,
        "files": list(done.files),
    }


def show(found: dict[str, Any]) -> None:
    """Print what was done."""
    from fos_ref.report.console import named, output, plain, table, titled

    console = output()
    rows = table(("", ""), header=False)
    share = found["picked4_share"]
    lines = {
        "method": found["method"],
        "recipe": found["recipe"],
        "layers": f"{len(found['quantized']):,} quantized, {len(found['left']):,} left",
        "blocks at 4": "-" if share is None else f"{share:.1%}",
        "seconds": f"{found['seconds']:.1f}",
    }
    for name, value in lines.items():
        rows.add_row(plain(name), named(value))
    console.print(titled(found["output"], rows))
