"""The vectors of training in every form: no number is lost, and C compiles what it gets."""

import io
import shutil
import subprocess

import numpy as np
import pytest

from fos_ref.export.training import columns, FIELDS, FORMS, training_files, vectors_of
from fos_ref.random import Feed, Rule
from fos_ref.vectors.canonical import canonical, parse
from fos_ref.vectors.training import document as training
from tests.meta.tree import ROOT

DOCUMENT = parse((ROOT / "golden" / training.NAME).read_bytes(), training.NAME)
ARRAYS = columns(DOCUMENT)
ACROSS = {"shape", "rows", "rounds"}
COUNTED = (
    ("rounding", "values_bits"),
    ("rounding", "random_bits"),
    ("philox", "counter"),
    ("quantize", "codes"),
)


def flat(value):
    return [int(w, 16) for part in ([value] if isinstance(value, str) else value) for w in part.split(" ")]


@pytest.mark.parametrize(("step", "field"), COUNTED)
def test_a_vector_s_numbers_stand_between_its_bounds(step, field):
    values, first = ARRAYS[f"{step}_{field}"], ARRAYS[f"{step}_{field}_first"]
    vectors = vectors_of(DOCUMENT, step)
    assert first.size == len(vectors) + 1
    for i, v in enumerate(vectors):
        assert values[first[i] : first[i + 1]].tolist() == flat(v[field])


def test_words_of_a_tensor_and_its_values():
    for i, v in enumerate(vectors_of(DOCUMENT, "quantize")):
        part = slice(*ARRAYS["quantize_random_bits_first"][i : i + 2].tolist())
        assert ARRAYS["quantize_random_bits"][part].tolist() == [
            n for draw in v["random_bits"] for n in flat(draw)
        ]
        x = ARRAYS["quantize_x_bits"][slice(*ARRAYS["quantize_x_bits_first"][i : i + 2].tolist())]
        assert (x >> (16 if v["dtype"] == "bfloat16" else 0)).tolist() == flat(v["x_bits"])
    rule, feed = (ARRAYS[f"rounding_{k}"].tolist() for k in ("rule", "feed"))
    rules, feeds = [r.value for r in Rule], [f.value for f in Feed]
    for v, r, f in zip(vectors_of(DOCUMENT, "rounding"), rule, feed, strict=True):
        assert v["rule"] == rules[r]
        assert (
            v["feed"]
            == ["byte-lane", "pair-bit-reversed", "byte-natural", "half-bit-reversed", "half", "word"][f]
        )
        assert v["feed"] in feeds


@pytest.mark.sample(2)
@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_has_every_number(form, tmp_path):
    found = training_files(form, DOCUMENT)
    if form == "json":
        assert found == {"training/training.json": canonical(DOCUMENT)}
    if form == "npz":
        read = np.load(io.BytesIO(found["training/training.npz"]))
        assert all((read[name] == values).all() for name, values in ARRAYS.items())
    if form == "memh":
        assert len(found) == len(ARRAYS) + 1
        for name, values in ARRAYS.items():
            assert [int(w, 16) for w in found[f"training/{name}.memh"].split()] == values.tolist()
        assert len(found["training/ids.txt"].splitlines()) == len(DOCUMENT["vectors"])
    if form == "c":
        text = found["training/fos_training.h"]
        for name, values in ARRAYS.items():
            assert f"fos_training_{name}[{values.size}]".encode() in text
        if shutil.which("gcc") is not None:
            (tmp_path / "a.c").write_bytes(text)
            flags = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-pedantic")
            subprocess.run(["gcc", *flags, "-fsyntax-only", tmp_path / "a.c"], check=True)
    assert set(FIELDS) == set(training.STEPS)
