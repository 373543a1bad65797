"""What `fos model eval` prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console

from fos_ref.models.evaluate import Evaluation
from fos_ref.models.paired import Difference
from fos_ref.models.summary import Row, rows, unordered
from fos_ref.report.console import apart, of_rows, plain, titled

_WHAT = {
    "windows": "token PPL as GPTQ's code has it: disjoint windows, the first token of each unscored",
    "rolling": "token, word and byte PPL as lm-eval has them: every token scored once, documents apart",
}


def show(console: Console, e: Evaluation) -> None:
    """Print the table, and what it does not say."""
    found, settings = rows(e), e.results.settings
    columns: dict[str, Callable[[Row], str]] = {"arm": lambda r: r.name, "draws": lambda r: str(len(r.nll))}
    columns |= {"token PPL": lambda r: f"{r.token:.3f}"}
    if e.documents:
        columns |= {"word PPL": lambda r: _number(r.word, 3), "byte PPL": lambda r: _number(r.byte, 4)}
    columns |= {
        "NLL - float32": lambda r: _told(r.base),
        f"NLL - {list(e.arms)[1]}": lambda r: _told(r.first),
        "weights at 4": lambda r: _share(r.weights4),
        "inputs at 4": lambda r: _share(r.inputs4),
        "layer error": lambda r: _number(r.error, 5),
    }
    table = of_rows([list(columns), *([f(r) for f in columns.values()] for r in found)])
    title = (
        f"{settings['model']['model']} on {settings['text']['name']}: {int(e.offsets[-1]):,} tokens scored "
        f"in {settings['windows']:,} windows of {settings['window']:,}"
    )
    console.print(apart(titled(title, table), plain(_notes(e))))


def _notes(e: Evaluation) -> str:
    open_pairs = "; ".join(f"{a} and {b} ({_told(d)})" for (a, b), d in unordered(e).items())
    single = all(len(at) == 1 for at in e.arms.values())
    of = "this text and this one draw of the weights' rounding" if single else "draws and text together"
    return (
        f"{_WHAT[e.results.settings['convention']]}. NLL in nats a token, paired; +- is half of a 95 % "
        f"interval over {of}. Cannot be ordered: {open_pairs or 'no pair'}."
    )


def _told(d: Difference | None) -> str:
    return "" if d is None else f"{d.mean:+.4f} +- {d.half:.4f}"


def _number(value: Any, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
