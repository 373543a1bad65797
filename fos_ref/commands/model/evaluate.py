"""`fos model eval`: a language model's loss on a text, as it is and under some recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, DTYPES, one_of, presets, whole
from fos_ref.commands.output import finite, say_json
from fos_ref.errors import InputError

if TYPE_CHECKING:
    from fos_ref.models.evaluate import Asked, Evaluation

#: As fos_ref.models has them; tests hold them to it.
CONVENTIONS = ("windows", "rolling")
SCOPES = ("tensor", "row")
AMAXES = ("dynamic", "static")
QUICK_TOKENS, QUICK_WINDOW, WINDOW = 4_000, 250, 512
_MOST_TOKENS, _MOST_WINDOW, _MOST_DRAWS = 1 << 32, 1 << 20, 100

Operand = Any


def _operand(what: str) -> Operand:
    return typer.Option(
        metavar="same|none|NAME",
        autocompletion=lambda: ["same", "none", *presets()],
        help=f"The recipe of the {what}: that of --recipe, none, or one of their own.",
    )


Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="smollm2, a Llama's .gguf, or a folder that transformers loads."),
]
TextFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="UTF-8 text. [default: ledes that install by name]")
]
Quick = Annotated[bool, typer.Option("--quick", help="4,000 tokens in windows of 250.")]
Convention = Annotated[
    str, one_of(CONVENTIONS, "windows: disjoint, first token unscored; rolling: as lm-eval, all scored.")
]
AmaxFrom = Annotated[
    str, one_of(AMAXES, "dynamic: the window's own; static: of the first 8 windows, per layer.")
]
Head = Annotated[bool, typer.Option("--head", help="Quantize the output head too.")]
Embeddings = Annotated[bool, typer.Option("--embeddings", help="Quantize the rows of the embedding too.")]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="cpu, or a CUDA device of torch.")]
Recipes = Annotated[
    list[str] | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        autocompletion=presets,
        help="A preset or a recipe's .json file; give it again for more. [default: nvfp4 and 4over6]",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE.npz", help="Every token's loss; a run goes on where it stopped."
    ),
]
Capture = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.safetensors", help="The layers' inputs on the first window, for `fos report`."
    ),
]
Exclude = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Leave linear layers of these names as they are.")
]


def evaluate(  # noqa: PLR0917 -- typer reads the parameters
    name: Model,
    recipe: Recipes = None,
    text: TextFile = None,
    quick: Quick = False,  # noqa: FBT002 -- a switch
    tokens: Annotated[int | None, whole("Tokens at most. [default: all]", 4, _MOST_TOKENS)] = None,
    window: Annotated[int | None, whole("Tokens of a window. [default: 512]", 2, _MOST_WINDOW)] = None,
    convention: Convention = "windows",
    draws: Annotated[int, whole("Draws of the weights' rounding.", 1, _MOST_DRAWS)] = 1,
    weights: Annotated[str, _operand("weights")] = "same",
    activations: Annotated[str, _operand("inputs of linear layers")] = "same",
    amax: Annotated[str, one_of(SCOPES, "One amax for a window's inputs, or one a token.")] = "tensor",
    amax_from: AmaxFrom = "dynamic",
    head: Head = False,  # noqa: FBT002
    embeddings: Embeddings = False,  # noqa: FBT002
    exclude: Exclude = None,
    device: Device = "cpu",
    dtype: Annotated[str, one_of(DTYPES, "The dtype of the model's parameters.")] = "float32",
    out: Out = None,
    capture: Capture = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Score a text token by token: the model as it is, and under each recipe.

    Weights are quantized once, the inputs of the linear layers on every call, with the bits of
    fos_ref.quantize. Differences are paired by token; +- is half of a 95 % interval. What it is an interval
    of, and what a draw is: docs/models.md. It needs the extra fos-ref[models].
    """
    from fos_ref.models.evaluate import Asked

    asked = Asked(
        recipes=tuple(recipe or ("nvfp4", "4over6")),
        text=text,
        tokens=_only(tokens, QUICK_TOKENS, "--tokens", quick=quick),
        window=_only(window, QUICK_WINDOW, "--window", quick=quick) or WINDOW,
        convention=convention,
        draws=draws,
        weights=weights,
        activations=activations,
        scope=amax,
        amax=amax_from,
        head=head,
        embeddings=embeddings,
        exclude=tuple(exclude or ()),
    )
    found = _with_a_bar(name, asked, (out, capture), device, dtype)
    if as_json:
        say_json(finite(_document(found)))
    else:
        from fos_ref.commands.model.tables import show
        from fos_ref.report.console import output

        show(output(), found)


def _only(given: int | None, quick_one: int, option: str, *, quick: bool) -> int | None:
    """Return the number of an option, or that of --quick; InputError where both are given."""
    if quick and given is not None:
        msg = f"{option} {given} beside --quick, which takes {quick_one:,}: one of them is allowed"
        raise InputError(msg)
    return quick_one if quick else given


def _with_a_bar(
    name: str, asked: Asked, places: tuple[Path | None, Path | None], device: str, dtype: str
) -> Evaluation:
    """Evaluate while a bar on a terminal shows how far it is, and how long it will take."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from fos_ref.models.evaluate import arms_of, corpus_of, evaluate
    from fos_ref.publish.publication import check_targets
    from fos_ref.publish.targets import one_file
    from fos_ref.report.console import progress

    arms_of(asked)  # what can be refused is refused before a model is loaded
    if asked.text is not None:
        corpus_of(asked)
    out, capture = places
    for place in filter(None, places):
        check_targets(one_file(place, inputs=[] if asked.text is None else [asked.text]))
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        task = bar.add_task("scoring", total=None)
        return evaluate(
            name,
            asked,
            out,
            device=device,
            dtype=dtype,
            capture=capture,
            progress=lambda n, total: bar.update(task, completed=n, total=total),
        )


def _document(found: Evaluation) -> dict[str, Any]:
    from fos_ref.models.summary import pairs, rows

    return {
        "settings": found.results.settings,
        "scored": int(found.offsets[-1]),
        "arms": [r.to_dict() for r in rows(found)],
        "pairs": [
            {"better": a, "worse": b, "difference": d.mean, "half": d.half, "ordered": d.resolved}
            for (a, b), d in pairs(found).items()
        ],
        "layers": {name: found.results.layers.get(str(at[0]), {}) for name, at in found.arms.items()},
    }
