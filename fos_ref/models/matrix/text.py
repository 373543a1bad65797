"""The page of the matrix, its table and its JSON, from the state of a run."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray
from fos_ref.models.matrix.plan import ACTIVATIONS, BASELINE, BOTH, PLAIN, WEIGHTS
from fos_ref.models.paired import Difference, difference, order
from fos_ref.models.perplexity import exp

STEM = "models-matrix"
_TITLES = {
    f"{BOTH} tensor": "Weights and activations, one activation amax a window",
    f"{BOTH} row": "Weights and activations, one activation amax a token",
    WEIGHTS: "Weights alone",
    f"{ACTIVATIONS} tensor": "Activations alone, one amax a window",
    f"{ACTIVATIONS} row": "Activations alone, one amax a token",
}


def documents(state: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of the report by name. Raises: InputError where the run has not begun."""
    made = Measured(state)
    return {
        f"{STEM}.md": _markdown(made).encode(),
        f"{STEM}.csv": _csv(made).encode(),
        f"{STEM}.json": (json.dumps(_document(made), indent=1) + "\n").encode(),
    }


class Measured:
    """The sums of each cell (draws, windows), the baseline's, and the tokens of a window."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.about: dict[str, Any] = state["about"]
        self.bits: dict[str, dict[str, int]] = state["bits"]
        self.arms: dict[str, Any] = state["arms"]
        n = self.about["windows"]
        self.counts = np.full(n, self.about["scored"] / n)
        cells: dict[str, dict[int, list[float]]] = {}
        for key, arm in self.arms.items():
            cell, _, draw = key.rpartition("|")
            cells.setdefault(cell, {})[int(draw)] = arm["sums"]
        self.cells: dict[str, AnyArray] = {
            cell: np.array([by_draw[d] for d in sorted(by_draw)]) for cell, by_draw in cells.items()
        }
        if BASELINE not in self.cells:
            msg = f"a matrix without the arm {BASELINE}: what has begun to run is allowed"
            raise InputError(msg)
        self.base = self.cells[BASELINE]

    def of(self, kind: str) -> dict[str, AnyArray]:
        """Return recipe -> sums of the cells of one kind: "W4A4 tensor"."""
        ends = f" {kind}"
        return {c.removesuffix(ends): s for c, s in self.cells.items() if c.endswith(ends)}

    def means(self, sums: AnyArray) -> AnyArray:
        """Return the mean loss of each draw."""
        found: AnyArray = sums.sum(axis=1) / self.counts.sum()
        return found


def _common(a: AnyArray, b: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return two cells with the draws that both have."""
    n = min(len(a), len(b))
    return a[:n], b[:n]


def _rows(m: Measured, kind: str) -> list[list[str]]:
    cells = m.of(kind)
    plain = cells.get(PLAIN)
    rows = []
    for name, sums in cells.items():
        over, each = difference(sums, m.base, m.counts), m.means(sums)
        versus = None if plain is None or name == PLAIN else difference(*_common(sums, plain), m.counts)
        closed = ""
        if versus is not None and plain is not None:
            gap = difference(_common(plain, sums)[0], m.base, m.counts)
            closed = f"{-100 * versus.mean / gap.mean:.1f} %" if gap.mean else ""
        spread = f"{each.std(ddof=1):.4f}" if len(each) > 1 else ""
        rows.append(
            [
                f"`{name}`",
                str(len(each)),
                f"{exp(float(each.mean())):.3f}",
                _told(over),
                "" if versus is None else _told(versus),
                closed,
                spread,
            ]
        )
    return rows


def _told(d: Difference) -> str:
    return f"{d.mean:+.4f} ± {d.half:.4f}"


_HEAD = (
    "recipe",
    "draws",
    "token PPL",
    "NLL minus float32",
    "NLL minus `nvfp4`",
    "of the gap closed",
    "std of one draw",
)


def _table(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def _markdown(m: Measured) -> str:
    lines = [
        "# What a recipe does to a language model",
        "",
        _what(m.about),
        "",
        _how(m),
        "",
        "## Bits",
        "",
        *_table(
            ("recipe", "blocks compared", "differing", "by"),
            [
                [f"`{n}`", f"{b['blocks']:,}", str(b["differing"]), "fos_gpu" if b["kernels"] else "the host"]
                for n, b in m.bits.items()
            ],
        ),
        "",
    ]
    for kind, title in _TITLES.items():
        if m.of(kind):
            lines += [f"## {title}", "", *_table(_HEAD, _rows(m, kind)), "", *_ordered(m, kind), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _what(a: dict[str, Any]) -> str:
    return (
        f"SmolLM2-135M (the float32 values of the package's Q4_1 blocks), {a['scored']:,} scored tokens of "
        f"{a['text']} in {a['windows']:,} disjoint windows of {a['window']:,}, the first token of each "
        "unscored; all linear layers of the blocks are quantized, embedding and head are not; round to "
        f"nearest. {a['device']}, torch {a['torch']}."
    )


def _how(m: Measured) -> str:
    ppl = exp(float(m.means(m.base)[0]))
    return (
        f"Token PPL of float32: {ppl:.3f}. ± is half of a 95 % interval: over draws "
        "of the weights' rounding and windows together, over windows alone where there is one draw. One draw "
        "says nothing about the recipe's other draws. How it is computed: docs/models.md."
    )


def _ordered(m: Measured, kind: str) -> list[str]:
    """Return which pairs of the cells can be ordered and which cannot, over the draws that all have."""
    cells = m.of(kind)
    draws = min(map(len, cells.values()))
    if len(cells) < 2:  # noqa: PLR2004 -- a pair
        return []
    pairs = order({n: s[:draws] for n, s in cells.items()}, m.counts)
    told = [f"{a} < {b} ({d.mean:+.4f} ± {d.half:.4f})" for (a, b), d in pairs.items() if d.resolved]
    not_told = [
        f"{a} and {b} ({d.mean:+.4f} ± {d.half:.4f})" for (a, b), d in pairs.items() if not d.resolved
    ]
    head = f"Over {draws} draw{'s' * (draws > 1)}, all {len(pairs)} intervals together at 95 %"
    return [
        f"{head}: {'; '.join(told) or 'no pair is ordered'}.",
        "",
        f"Cannot be ordered: {'; '.join(not_told) or 'no pair'}.",
    ]


def _csv(m: Measured) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["cell", "draw", "phase", "mean_nll", "nll_minus_float32", "seconds"])
    base = float(m.means(m.base)[0])
    for key, arm in m.arms.items():
        cell, _, draw = key.rpartition("|")
        mean = sum(arm["sums"]) / float(m.counts.sum())
        numbers = (f"{v:.7g}" for v in (arm["arm"]["phase"], mean, mean - base))
        writer.writerow([cell, draw, *numbers, f"{arm['seconds']:.2f}"])
    return out.getvalue()


def _document(m: Measured) -> dict[str, Any]:
    """Return the JSON document: what was run, the bits, each arm's mean and its layers."""
    total = float(m.counts.sum())
    arms = {
        key: {
            "arm": a["arm"],
            "mean_nll": round(sum(a["sums"]) / total, 7),
            "layers": {
                k: [None if v is None else float(f"{v:.5g}") for v in values]
                for k, values in a["layers"].items()
            },
        }
        for key, a in m.arms.items()
    }
    return {
        "about": m.about,
        "bits": m.bits,
        "layer_values": ["weights_at_4", "inputs_at_4", "error"],
        "arms": arms,
    }
