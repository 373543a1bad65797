"""Own recipes on own inputs: figures and intervals by hand, files, LaTeX, the DataFrame."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

import fos_ref
from fos_ref.cli import run
from fos_ref.errors import InputError
from fos_ref.exactness.sums import Sums
from fos_ref.inputs.distributions import make
from fos_ref.report.metrics import METRICS
from fos_ref.report.own.show import latex, tex
from fos_ref.report.own.spread import over_draws, over_parts
from fos_ref.report.page.parts import number

SHAPE = (48, 64)


def by_hand(x, name) -> tuple[Fraction, Fraction]:
    """Return the exact sums of squared errors and of squares, by rational numbers."""
    back = fos_ref.dequantize(fos_ref.quantize(x, name, engine="numpy"))
    pairs = [(Fraction(float(a)), Fraction(float(b))) for a, b in zip(x.ravel(), back.ravel(), strict=True)]
    return sum((b - a) ** 2 for a, b in pairs), sum(a * a for a, _ in pairs)


def test_a_draw_and_an_array_have_the_figures_of_their_values():
    x = make("laplace", SHAPE, 0)
    table = fos_ref.report.table(
        "4over6", {"drawn": "laplace", "array": x}, seeds=1, shape=SHAPE, engine="numpy"
    )
    wrong, power = by_hand(x, "4over6")
    plain, _ = by_hand(x, "nvfp4")
    for row in table.to_dict("records"):
        assert f"{row['mse_e3']:.12g}" == f"{float(1000 * wrong / power):.12g}"
        assert f"{row['mse_ratio']:.12g}" == f"{float(wrong / plain):.12g}"
    assert list(table["of"]) == ["draws", "rows"]
    assert list(table["parts"]) == [1, 3]
    assert table["mse_e3_ci"].isna().tolist() == [True, False]


def parts() -> list[tuple[Sums, Sums]]:
    sums = [Sums(2.0, 3.0, 200.0, 30.0, 8, 2, 0.25), Sums(3.0, 4.0, 180.0, 28.0, 8, 4, 0.5)]
    sums.append(Sums(1.0, 2.0, 150.0, 20.0, 8, 1, 0.125))
    return [(s, Sums(squared=4.0, power=s.power)) for s in sums]


def test_the_jackknife_leaves_each_part_out():
    row = over_parts(parts())
    without = [Fraction(4, 330), Fraction(3, 350), Fraction(5, 380)]
    mean = sum(without) / 3
    variance = Fraction(2, 3) * sum((v - mean) ** 2 for v in without)
    half = stats.t.ppf(0.975, 2) * 1000 * math.sqrt(variance)
    assert f"{row['mse_e3_ci']:.12g}" == f"{half:.12g}"
    assert f"{row['mse_e3']:.12g}" == f"{6000 / 530:.12g}"
    assert row["max_pct"] == 50
    assert math.isnan(row["max_pct_ci"])
    assert list(row) == [k for m in METRICS for k in (m, f"{m}_ci")]


def test_of_alike_parts_the_jackknife_is_the_error_of_the_mean():
    each = [(Sums(float(n), 1, 100.0, 10.0, 4, n, 0.1), Sums(squared=4.0)) for n in (1, 2, 4)]
    drawn, left_out = over_draws(each), over_parts(each)
    assert f"{drawn['mse_e3_ci']:.10g}" == f"{left_out['mse_e3_ci']:.10g}"
    assert f"{drawn['share4_pct_ci']:.10g}" == f"{left_out['share4_pct_ci']:.10g}"


def test_one_part_that_holds_everything_has_no_interval():
    nothing = (Sums(blocks=4), Sums())
    assert math.isnan(over_parts([parts()[0], nothing])["mse_e3_ci"])


def test_a_file_s_parts_are_its_tensors_and_the_rest_is_named(tmp_path):
    from safetensors.numpy import save_file  # noqa: PLC0415

    a, b = make("normal", (16, 32), 0), make("normal", (32, 16), 1)
    save_file({"a": a, "b": b, "bias": np.ones(16, np.float32)}, tmp_path / "w.safetensors")
    table = fos_ref.report.table(["4over6"], str(tmp_path / "w.safetensors"), engine="numpy")
    (wrong_a, power_a), (wrong_b, power_b) = by_hand(a, "4over6"), by_hand(b, "4over6")
    assert f"{table['mse_e3'][0]:.12g}" == f"{float(1000 * (wrong_a + wrong_b) / (power_a + power_b)):.12g}"
    assert (table["parts"][0], table["of"][0]) == (2, "tensors")


def test_a_function_that_raises_is_one_error():
    with pytest.raises(InputError, match="ZeroDivisionError"):
        fos_ref.report.table("nvfp4", lambda _shape, _seed: 1 / 0)


def test_no_text_is_a_command_in_latex():
    assert tex("50 %_^~#$&<") == r"50 \%\_\textasciicircum{}\textasciitilde{}\#\$\&\textless{}"
    assert r"\input" not in tex(r"\input{x}").replace(r"\textbackslash{}input", "")
    table = fos_ref.report.table("nvfp4", {"a & b": make("normal", (16, 16), 0)}, engine="numpy")
    text = latex(table).decode()
    assert r"a \& b & 1.0000" in text
    assert text.count("&") - text.count(r"\&") == 2


@pytest.mark.long
def test_the_command_writes_page_table_latex_and_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mine = fos_ref.recipe("4over6").to_dict() | {
        "name": "mine",
        "scale_max": 448,
        "source": "",
        "evidence": "own",
    }
    (tmp_path / "mine.json").write_text(json.dumps(mine), encoding="utf-8")
    np.save("x.npy", make("laplace", (32, 64), 3))
    asked = ["report", "--quick", "--recipe", "mine.json", "--distribution", "x.npy", "--engine", "numpy"]
    assert run([*asked, "--html", "p.html", "--latex", "t.tex", "--figures", "svg"]) == 0
    assert "mine" in capsys.readouterr().out
    quick = tmp_path / "reports" / "quick"
    assert sorted(p.name for p in quick.iterdir()) == ["own.csv", "own.md", "own.png", "own.svg"]
    wrong, power = by_hand(np.load("x.npy"), "te-mse-448")
    ratio = number(float(wrong / by_hand(np.load("x.npy"), "nvfp4")[0]))
    assert ET.fromstring((quick / "own.svg").read_bytes()).tag.endswith("svg")  # noqa: S314 -- our own
    assert f"{float(1000 * wrong / power):.3f}" in (quick / "own.md").read_text(encoding="utf-8")
    for name in ("p.html", "t.tex"):
        assert "mine" in (tmp_path / name).read_text(encoding="utf-8")
    assert ratio[:5] in (tmp_path / "p.html").read_text(encoding="utf-8")
