"""`fos report --training`: its rounders against witnesses, its statistics on known cases, its files whole."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from pathlib import Path

import ml_dtypes
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import save_file

import fos_ref
from fos_ref import training
from fos_ref.cli import run
from fos_ref.formats import decode, E2M1, E4M3, encode
from fos_ref.inputs.distributions import make
from fos_ref.matmul.nearest import FORMS, nearest
from fos_ref.report import saving
from fos_ref.report.training import blocks, cost, curves, documents, eden, layer, measured, plan, sharing
from fos_ref.report.training.captured import read_layer
from fos_ref.report.training.plan import Plan
from fos_ref.report.training.rounders import Prepared, ROUNDERS
from fos_ref.report.training.text import published_rows, training_markdown
from fos_ref.storage.layout import unpack_nibbles
from tests.random import experiments

TINY = Plan(
    shape=(128, 128), seeds=2, small=(128, 128), draws=16, sums=16, layer=(128, 128, 128), layer_draws=2
)
ROUNDINGS = Fraction(1, 2**40)  #: what float64 sums come to
LARGEST_PNG = 150_000
REPORTS = Path(__file__).parents[2] / "reports"


@pytest.fixture(scope="module")
def found():
    calls = []
    t = measured.measure_training(TINY, layer.synthetic(TINY), lambda: calls.append(1))
    assert len(calls) == measured.jobs(TINY)
    return t


def near(x, y):
    """Return whether two figures differ by float64's roundings alone."""
    return abs(Fraction(x) - Fraction(y)) <= ROUNDINGS * max(abs(Fraction(y)), Fraction(1, 10**6))


# --- rounders ---------------------------------------------------------------------------------------------

WITNESSED = {"nearest": (1, 0), "sr-ideal": (16 / 17, None), "sr-a4": (16 / 17, 4), "te-a8": (1, 8)}


@pytest.mark.parametrize("name", list(WITNESSED))
def test_an_expectation_is_that_of_the_witness(name):
    factor, bits = WITNESSED[name]
    x = make("normal", (128, 128), 5)
    t = experiments.scaled(x, factor=factor)
    mean, variance = (experiments.nearest(t), 0.0) if name == "nearest" else experiments.expected(t, bits)
    error, shrink = experiments.error_and_shrink(mean, x, variance)
    mine = cost.one(ROUNDERS[name].prepare(x), 1)
    assert near(mine[0], 1e3 * error)
    assert near(mine[1], shrink)


def test_draws_of_eight_bits_are_the_recipe_s():
    """The same words through `quantize`: every code, every seed."""
    x = make("student-t5", (128, 128), 0)
    prepared = ROUNDERS["te-a8"].prepare(x)
    worth = blocks.scaled(x).worth
    seen = set()
    for seed in (1, 2):
        q = fos_ref.quantize(x, "te-train-gradient-byte-lane", random_bits=("te-tuned-row", seed, 0))
        values = decode(unpack_nibbles(q.codes), E2M1).reshape(-1, 16).astype(float) * worth
        assert np.array_equal(prepared.draw_back(seed), values)
        seen.add(values.tobytes())
    assert len(seen) == 2


def test_draws_of_ms_eden_are_the_recipe_s():
    """Rotated blocks and the kernels' words through `quantize`: every value."""
    x = make("student-t5", (128, 128), 0)
    y = eden.rotate(x, eden.signs(3))
    q = fos_ref.quantize(y.reshape(128, 128), "quartet2-eden", random_bits=(eden.KERNEL_NOISE, 7, 0))
    codes, scales = unpack_nibbles(q.codes).reshape(-1, 16), q.block_scales.reshape(-1, 1)
    values = decode(codes, E2M1).astype(float) * decode(scales, E4M3) * float(q.decode_scale)
    assert np.array_equal(eden.kernel(y, eden.noise(eden.KERNEL_NOISE, (128, 128), 7)).q, values)


def single(v):
    """Return a rational number rounded once to float32, exactly."""
    return Fraction(float(nearest(v, FORMS["float32"])))


def test_a_scale_of_ms_eden_is_that_of_rational_numbers():
    """C.2 of the kernels on Fractions: cut, nearest, two fused lanes, the correction."""
    y = make("student-t3", (24, 16), 1)
    got, scales = eden.corrected(y)
    clip = single(Fraction(6) / (Fraction(17, 16) * Fraction(93, 100)))
    for line, codes, scale in zip(y, got, scales[:, 0], strict=True):
        values = [Fraction(float(v)) for v in line]
        largest = single(max(map(abs, values)) * single(1 / clip))
        binade = Fraction(2) ** int(np.frexp(float(largest))[1] - 1)
        m = (largest / binade * 16).__floor__() * binade / 16
        v = [single(a * single(1 / m)) for a in values]
        q = [Fraction(float(decode(encode(np.float32(a), E2M1), E2M1))) for a in v]
        squares, products = (in_two_lanes(v, w) for w in (v, q))
        assert list(codes) == [float(a) for a in q]
        assert Fraction(float(scale)) == single(m * single(squares * single(1 / products)))


def in_two_lanes(v, w):
    lanes = [Fraction(0), Fraction(0)]
    for i, (a, b) in enumerate(zip(v, w, strict=True)):
        lanes[i % 2] = single(a * b + lanes[i % 2])
    return single(lanes[0] + lanes[1])


def test_corrected_scales_go_to_bfloat16_and_to_either_neighbour_in_e4m3():
    y = make("normal", (64, 16), 1)
    q, scales = eden.corrected(y)
    rounded = scales.astype(ml_dtypes.bfloat16).astype(np.float32)
    top = rounded.max() * np.float32(1 / 256)
    near_by = decode(encode(rounded / top, E4M3), E4M3)
    least = np.where(near_by > rounded / top, decode(encode(rounded / top, E4M3) - 1, E4M3), near_by)
    none_up = eden.kernel(y, np.full((64, 1), 0xFFFF, np.uint32)).q
    assert np.array_equal(none_up, q.astype(float) * least * float(top))
    all_up = eden.kernel(y, np.zeros((64, 1), np.uint32)).q
    assert 0 < (all_up != none_up).mean() < 1


def test_a_rotation_comes_back():
    x = make("normal", (128, 128), 2)
    s = eden.signs(7)
    y = eden.rotate(x, s).astype(np.float64)
    assert np.abs(eden.back(y, s).reshape(x.shape) - x).max() < 2**-20
    assert not np.array_equal(eden.signs(7), eden.signs(8))


HELD = {"9.0", "18.88", "0.0034", "23.5", "17.5", "9.4", "9.37", "9.8", "9.74", "0.999786"}


def check_held(table):
    held = table[table["held_to"].isin([cost.PERCENT, cost.DIGITS])]
    assert set(held["stated"].astype(str)) == HELD
    for _, row in held.iterrows():
        stated, ours = Fraction(str(row["stated"])), Fraction(float(row["ours"]))
        limit = Fraction("0.00005") if row["held_to"] == cost.DIGITS else stated / 100
        assert abs(ours - stated) <= limit, row["quantity"]
        assert row["agrees"] == "yes"


def test_stated_figures_are_met_in_the_committed_report():
    check_held(pd.read_csv(REPORTS / "training-published.csv", dtype={"stated": str}))


@pytest.mark.exhaustive
def test_stated_figures_are_met():
    table = cost.beside_ours(cost.costs(plan.FULL, lambda: None))
    check_held(table)
    committed = pd.read_csv(REPORTS / "training-published.csv")
    assert [float(f"{v:.7g}") for v in table["ours"]] == list(committed["ours"])


def test_a_figure_that_is_off_does_not_agree():
    columns = ("quantity", "stated", "source", "held_to")
    for stated, held_to, ours, agrees in (
        ("9.0", cost.PERCENT, 9.089, "yes"),
        ("9.0", cost.PERCENT, 9.091, "no"),
        ("0.0034", cost.DIGITS, 0.00335001, "yes"),
        ("0.0034", cost.DIGITS, 0.0033499, "no"),
        ("0.0041", "", 0.5, ""),
    ):
        row = cost._row(**dict(zip(columns, ("", stated, "", held_to), strict=True)), ours=ours)
        assert row["agrees"] == agrees


def test_a_figure_held_to_its_digits_is_shown_in_them():
    row = cost._row("TE's shrink", "0.0034", "computed", cost.DIGITS, 0.00335809)
    shown = published_rows(pd.DataFrame([row]))[1]
    assert shown[1:6] == [
        "3.4e-3 (2 digits)",
        "3.4e-3 (0.00335809)",
        "-1.23 % before it is rounded",
        "its digits",
        "yes",
    ]


# --- means of draws ---------------------------------------------------------------------------------------


def noisy(bias, seed):
    """Return a made rounder of nothing: normal errors about `bias`."""
    rng = np.random.default_rng(seed)
    return Prepared(lambda _: (None, None), lambda _: bias + rng.normal(size=(4, 16)), None)


def test_the_plateau_test_alarms_where_there_is_a_floor_and_hardly_elsewhere():
    alarms = {0.0: 0, 0.5: 0}
    for bias in alarms:
        for seed in range(50):
            c = curves.curve(noisy(bias, seed), np.zeros((4, 16)), 32, lambda: None)
            alarms[bias] += c.floor > curves.SIGMAS * c.floor_error
    assert alarms[0.0] <= 1
    assert alarms[0.5] == 50


def test_an_estimate_of_a_floor_has_no_bias_and_slopes_are_told():
    floors = [
        curves.curve(noisy(0.25, s), np.zeros((4, 16)), 16, lambda: None).floor / 64 for s in range(100)
    ]
    assert abs(np.mean(floors) - 0.25**2) < 4 * np.std(floors) / 10
    assert curves.counts(32) == [1, 2, 4, 8, 16, 32]


@pytest.mark.long
def test_curves_of_the_page(found):
    rows = found.plateaus.set_index("rounder")
    assert rows.loc["nearest", "slope_last"] == 0
    assert near(rows.loc["nearest", "floor"], rows.loc["nearest", "floor_exact"])
    assert rows.loc["eden", "slope_last"] < -0.9 < rows.loc["4over6-own", "slope_last"]
    for name in ("sr-ideal", "sr-a4", "te-ideal", "te-a8"):
        apart = rows.loc[name, "floor"] - rows.loc[name, "floor_exact"]
        assert abs(apart) < 5 * rows.loc[name, "floor_error"]
    points = found.curves.set_index(["rounder", "draws"])["error"]
    assert points["te-a8", 1] == rows.loc["te-a8", "one_draw"]
    assert points["te-a8", 16] == rows.loc["te-a8", "last"]


# --- shared noise, the layer ------------------------------------------------------------------------------


@pytest.mark.long
def test_shared_noise_follows_its_law(found):
    for _, row in found.shared.iterrows():
        law = "shared" if row["map"] in ("torchao-cute-column", "fouroversix-triton") else "own"
        assert abs(row["variance"] / row[law] - 1) < 0.12, row.to_dict()
    assert set(found.shared["map"]) == set(sharing.SUMS)


@pytest.mark.long
def test_the_products_are_those_of_the_layer(found):
    tensors = layer.synthetic(TINY)
    name = "te-software"
    made = layer.drawn(tensors, training.STACKS[name], layer.SHOWN[name], 0)
    values = layer.products(made)
    assert np.abs(values["grad_w"] - made.grad_w).max() <= 2**-22 * np.abs(made.grad_w).max()
    again = layer.drawn(tensors, training.STACKS[name], layer.SHOWN[name], 1)
    assert np.array_equal(made.fprop_x.codes, again.fprop_x.codes)
    assert (made.dgrad_g.codes != again.dgrad_g.codes).any()
    cells = found.layer.set_index(["stack", "product"])
    for stack in layer.SHOWN:
        assert near(cells.loc[(stack, "y"), "bias_pct"], cells.loc[(stack, "y"), "one_draw_pct"])
        for product in ("grad_x", "grad_w"):
            assert 0 <= cells.loc[(stack, product), "bias_pct"] < cells.loc[(stack, product), "one_draw_pct"]
    first, second = (products["grad_x"] for products in (values, layer.products(again)))
    true = tensors.exact["grad_x"]
    power = (true**2).sum()
    squared = [((p - true) ** 2).sum() / power for p in (first, second)]
    assert abs(cells.loc[(name, "grad_x"), "one_draw_pct"] - 100 * np.sqrt(np.mean(squared))) < 1e-9


def test_a_layer_from_a_file(tmp_path):
    rng = np.random.default_rng(0)
    x, w, g = (rng.normal(size=s).astype(np.float32) for s in ((256, 128), (384, 128), (256, 384)))
    save_file({"x": x, "w": w, "g": g}, tmp_path / "layer.safetensors")
    got = read_layer(tmp_path / "layer.safetensors", TINY)
    for mine, given in zip((got.x, got.w, got.g), (x, w, g), strict=True):
        assert np.array_equal(mine, given.astype(ml_dtypes.bfloat16).astype(np.float32))
    save_file({"b.weight": x, "a.weight": w, "odd": x[:5]}, tmp_path / "model.safetensors")
    got = read_layer(tmp_path / "model.safetensors", TINY)
    assert (got.w.shape, got.x.shape, got.g.shape) == ((384, 128), (128, 128), (128, 384))
    assert "`a.weight`" in got.says


@pytest.mark.parametrize(
    "tensors",
    [
        {"x": (256, 128), "w": (384, 128), "g": (256, 256)},
        {"x": (250, 128), "w": (384, 128), "g": (250, 384)},
        {"weight": (100, 128)},
    ],
)
def test_a_file_that_holds_no_layer_is_one_line(tensors, tmp_path):
    path = tmp_path / "odd.safetensors"
    save_file({name: np.ones(shape, np.float32) for name, shape in tensors.items()}, path)
    code, out, err = call("--training", "--weights", str(path), "--out", str(tmp_path / "out"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "allowed" in err
    assert not (tmp_path / "out").exists()


# --- files and the command --------------------------------------------------------------------------------


def call(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["report", *arguments])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def files(found):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "DPI", 40)
        yield documents.training_files(found)


@pytest.mark.long
def test_the_files_are_announced_and_small(found, files):
    assert sorted(files) == sorted(documents.NAMES)
    assert training_markdown(found) == files["training.md"]
    for name, data in files.items():
        if name.endswith(".png"):
            Image.open(io.BytesIO(data)).verify()
            assert len(data) < LARGEST_PNG
        else:
            assert b"nan" not in data.lower()


@pytest.mark.long
def test_the_page_shows_the_tables(found, files):
    page = files["training.md"].decode()
    for _, row in found.costs.iterrows():
        label = ROUNDERS[row["rounder"]].label
        assert f"| {label} | {row['error_e3']:.3f} \u00b1 {row['error_e3_ci']:.3f} |" in page
    assert all(name in page for name in files if name.endswith(".png"))
    assert all(f"| {s.label} |" in page for s in layer.SHOWN.values())


@pytest.mark.long
def test_the_command_writes_them_whole(found, files, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "QUICK", TINY)
    monkeypatch.setattr(measured, "measure_training", lambda _plan, _layer, _done: found)
    monkeypatch.setattr(documents, "training_files", lambda _found: files)
    code, out, err = call("--training", "--quick", "--json", "--out", str(tmp_path))
    assert (code, err) == (0, "")
    assert {p.name: p.read_bytes() for p in (tmp_path / "quick").iterdir()} == files
    document = json.loads(out)
    assert document["plan"]["draws"] == TINY.draws
    assert document["rounders"][0]["rounder"] == "nearest"
    assert None in [r["floor_exact"] for r in document["plateaus"]]


def test_pages_come_one_at_a_time(tmp_path):
    for odd in (("--products",), ("--engine", "numba")):
        code, out, err = call("--training", *odd, "--out", str(tmp_path))
        assert (code, out, err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []
