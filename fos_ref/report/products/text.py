"""The page on products in Markdown. Every number in it comes from the tables; the sentences are fixed."""

from __future__ import annotations

import pandas as pd

from fos_ref.matmul.models import MODELS
from fos_ref.report.products.leaking import NAMES
from fos_ref.report.products.measured import Products
from fos_ref.report.products.plan import DATA, Plan
from fos_ref.report.products.programs import DATA as COMPARED
from fos_ref.report.products.programs import DTYPES, LENGTH
from fos_ref.report.products.sums import ACCUMULATORS
from fos_ref.report.products.vectors import digits, measured_by
from fos_ref.report.tables import markdown, prose, Rows, sections

CERTIFIED_FIGURE = "products-certified.png"
DISTANCE_FIGURE = "products-distances.png"
PROGRAMS_FIGURE = "products-programs.png"
LEAKS_FIGURE = "products-leaks.png"
_CERTIFIED = (
    "An output is certified where every order, every tree and every rounding of a float32 accumulation "
    "has to give the same bits; docs/products.md has the theorem. There equality may be asked of a kernel. "
    "Data of one sign and data of wide scales are what can tell orders apart."
)
_DISTANCES = (
    "How far an accumulator is from the exact sum, in units of 2^-24 times the sum of its terms' magnitudes: "
    "the unit of every bound. `te`, `te reversed` and `blackwell-fp4` add products of 16 values, the others "
    "single products. `blackwell-fp4` cuts toward zero, so sums of one sign drift; the others round to "
    "nearest. The largest distance of any output, and the largest bound along the accumulator's own order:"
)
_PROGRAMS = (
    "A program's output has its accumulator, its form of alpha and its last rounding in it. On normal data "
    "every accumulator is exact, so what differs there is alpha and the rounding alone."
)
_ALPHAS = (
    "Alpha is the factor of both tensor scales. Its form is part of an output's bits: forms differ in the "
    "last bit of float32 for so many pairs of tensor amaxes, log-normal(0, 1), in percent:"
)
_VECTORS = (
    "One output each. Figures are the accumulator; for V3 to V5 what it has above 2^24. docs/products.md "
    "describes the vectors."
)
_LEAKS = (
    "Causal attention after a published preparation of q, k and v, restated in NumPy. Every token is changed "
    "in several ways, and the bits of all earlier outputs are compared: a pair (i, j) is an output i that "
    "depends on a later token j. Below the diagonal of a picture is what an output may see."
)


def products_markdown(p: Products) -> bytes:
    """Return products.md."""
    return sections(
        [
            "# What comes after quantization",
            _abstract(p),
            "Written by `fos report --products`; not edited by hand. A second run gives the same bytes.",
            "## Certified outputs",
            _CERTIFIED,
            _setup(p.plan),
            f"![Certified and exact outputs by K]({CERTIFIED_FIGURE})",
            markdown(certified_rows(p.certified)),
            "## How far references are from the exact sum",
            _DISTANCES,
            f"![Largest distance by K]({DISTANCE_FIGURE})",
            markdown(_distance_rows(p.distances)),
            "## Programs beside one another",
            f"{_PROGRAMS} {_pairs(p.plan)}",
            f"![Outputs that differ between programs]({PROGRAMS_FIGURE})",
            *(part for dtype in DTYPES for part in _program_parts(p.programs, dtype)),
            "## Forms of alpha",
            _ALPHAS,
            markdown(alpha_rows(p.alphas)),
            "## Vectors that tell accumulators apart",
            _VECTORS,
            markdown(vector_rows(p.accumulators)),
            "## The causal leak",
            f"{_LEAKS} {p.plan.tokens} tokens of 16 normal channels.",
            f"![Which outputs depend on later tokens]({LEAKS_FIGURE})",
            prose(leak_rows(p.leaks.table)),
            "## The programs",
            prose([["model", "evidence", "what it does"], *_programs()]),
        ]
    )


def _abstract(p: Products) -> str:
    c = p.certified.set_index(["data", "k"])
    first = max(k for k in p.plan.lengths if (c.xs(k, level="k")["block_pct"]["normal"] == 100))  # noqa: PLR2004
    rounds = p.distances[p.distances["accumulator"] == "te"]["largest"].max()
    table = p.leaks.table
    leaking = int((table["leak"] != "none").sum())
    amax = p.alphas.set_index(["form", "other"])["differ_pct"]["exact", "amax-product"]
    return (
        f"On N(0, 1) every output is certified up to K = {first}: there a kernel has to give the exact sum, "
        "bit for bit. The largest distance of TransformerEngine's reference from the exact sum, over all "
        f"data and lengths here, is {rounds:.3g} * 2^-24 * sum |t|. Its form of alpha has another float32 "
        f"than the exact ratio for {amax:.1f} % of amaxes. {leaking} of {len(table)} preparations of "
        "attention leak."
    )


def _setup(plan: Plan) -> str:
    n = plan.outputs
    return (
        f"{n} x {n} outputs for each kind of data and K, recipe nvfp4, one draw. An output is exact where "
        "the accumulator equals the exact sum. Figures in percent, in products-certified.csv."
    )


def certified_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each (data, K): shares in percent."""
    columns = [c for c in table.columns if c.endswith("_pct")]
    header = ["data", "K", *(c.removesuffix("_pct").replace("_", " ") for c in columns)]
    body = zip(table["data"], table["k"], *(table[c] for c in columns), strict=True)
    return [header, *([name, str(k), *(f"{v:.3g}" for v in values)] for name, k, *values in body)]


def _distance_rows(table: pd.DataFrame) -> Rows:
    keys = zip(table["data"], table["k"], table["accumulator"], strict=True)
    cells = {
        key: f"{seen:.3g} of {bound:.3g}"
        for key, seen, bound in zip(keys, table["largest"], table["bound"], strict=True)
    }
    lengths = list(dict.fromkeys(table["k"]))
    return [
        ["data", "K", *ACCUMULATORS],
        *(
            [d, str(k), *(cells.get((d, k, unit), "") for unit in ACCUMULATORS)]
            for d in DATA
            for k in lengths
        ),
    ]


def _pairs(plan: Plan) -> str:
    return (
        f"{plan.pairs} pairs of tensors of each kind, each with a tensor scale of its own, K = {LENGTH}; "
        "outputs that differ, in percent, in products-programs.csv. Above the diagonal is "
        f"{COMPARED[0]}, below it {COMPARED[1]}."
    )


def _program_parts(table: pd.DataFrame, dtype: str) -> list[str]:
    some = table[table["out"] == dtype].set_index(["data", "program", "other"])["differ_pct"].to_dict()
    names = list(MODELS)
    rows: Rows = [[f"outputs in {dtype}", *names]]
    for i, left in enumerate(names):
        data = [COMPARED[0] if j > i else COMPARED[1] for j in range(len(names))]
        cells = [_percent(some[d, left, right]) for d, right in zip(data, names, strict=True)]
        rows.append([left, *("" if j == i else c for j, c in enumerate(cells))])
    return [markdown(rows)]


def _percent(v: float) -> str:
    return f"{v:.0f}" if v >= 10 else f"{v:.2g}"  # noqa: PLR2004


def alpha_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each form: pairs of amaxes for which another form differs, in percent."""
    cells = table.set_index(["form", "other"])["differ_pct"].to_dict()
    forms = list(dict.fromkeys(table["form"]))
    return [
        [f"of {table['pairs'].iloc[0]:,} pairs", *forms],
        *([f, *("" if f == g else f"{cells[f, g]:.1f}" for g in forms)] for f in forms),
    ]


def vector_rows(table: pd.DataFrame, *, says: bool = True) -> Rows:
    """Return a header and a row for each vector; `says`: with what it measures."""
    units = [c for c in table.columns if c != "vector"]
    rows: Rows = [["vector", *(["measures"] if says else []), *units]]
    for name, (_, row) in zip(table["vector"], table.iterrows(), strict=True):
        measures = [measured_by(name)] if says else []
        rows.append([name, *measures, *(digits(name, float(row[u])) for u in units)])
    return rows


def leak_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each scheme."""
    header = ["scheme", "leak", *(f"pairs of {n}" for n in NAMES), "reach", "block", "up to, of an output"]
    body: Rows = []
    for _, row in table.iterrows():
        numbers = [f"{row[f'pairs_{n}']:,}" for n in NAMES]
        block = str(row["block"]) if row["block"] else ""
        largest = f"{row['largest']:.2g}" if row["largest"] else ""
        body.append([str(row["scheme"]), str(row["leak"]), *numbers, str(row["reach"]), block, largest])
    return [header, *body]


def _programs() -> Rows:
    return [[f"`{m.name}`", m.evidence, m.says] for m in MODELS.values()]
