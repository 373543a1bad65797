"""All forms hold the same numbers, and these are what the recipe makes of the inputs."""

from __future__ import annotations

import hashlib
import io
import json
import re

import numpy as np
import pytest

from fos_ref.engines.front import dequantize, quantize
from fos_ref.errors import InputError, ShapeError
from fos_ref.export.columns import BLOCKS, DTYPE_NUMBERS, TABLES
from fos_ref.export.document import FORMS
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from tests.export.exported import export, source

RECIPES = ("4over6-absmax", "4over6-mae", "te-mse-256-row")


def document(recipe):
    return json.loads(export("json", *RECIPES)[f"{recipe}.json"])


def given(v, document):
    """Return the input of a flat vector: an array, with its poison beside it in memory."""
    kind = DTYPES[next(name for name, n in DTYPE_NUMBERS.items() if n == v["dtype"])]
    words = [w["word"] for w in document["words"][v["first_word"] : v["first_word"] + v["words"]]]
    a = np.array(words, dtype=f"u{kind.itemsize}").view(kind).reshape(-1, v["stride"])
    return a[: v["rows"], : v["cols"]]


@pytest.mark.long
@pytest.mark.parametrize("recipe", RECIPES)
def test_the_rows_are_what_the_recipe_gives(recipe):
    d, r = document(recipe), PRESETS[recipe]
    for v in d["vectors"][:: 1 if len(d["vectors"]) < 100 else 4]:
        x = given(v, d)
        amax = np.array(v["amax"], dtype=np.uint32).view(np.float32)[()] if v["amax_given"] else None
        if amax is not None and r.amax_scope is AmaxScope.ROW:
            amax = np.full(len(x), amax)
        try:
            q = quantize(x, r, amax=amax, engine="numpy", padding="zero" if v["pads"] else "error")
        except (InputError, ShapeError):
            assert (v["refused"], v["blocks"]) == (1, 0), v["id"]
            continue
        assert (v["refused"], v["padded_cols"]) == (0, 2 * q.codes.shape[1]), v["id"]
        check_blocks(v, d, q, r)


def check_blocks(v, d, q, r):
    values = dequantize(q).view(np.uint32)
    for b in d["blocks"][v["first_block"] : v["first_block"] + v["blocks"]]:
        at = b["row"], b["col"] // r.block_cols
        codes = q.codes[b["row"], b["col"] // 2 : (b["col"] + r.block_cols) // 2]
        assert b["codes"] == codes.tolist(), v["id"]
        assert (b["block_scale"], b["picked4"]) == (q.block_scales[at], q.picked4[at]), v["id"]
        inside = values[b["row"], b["col"] : b["col"] + r.block_cols].tolist()
        nan = [n for n, w in enumerate(inside) if w & 0x7FFFFFFF > 0x7F800000]
        inside = [0x7FC00000 if n in nan else w for n, w in enumerate(inside)]
        assert b["values"][: b["cols_in"]] == inside, v["id"]


def memh(recipe, column):
    """Return a column of the memh form as numbers, (rows,) or (rows, numbers)."""
    digits = -(-column.bits // 4)
    lines = export("memh", *RECIPES)[f"{recipe}/{column.name}.memh"].decode("ascii").split()
    rows = [[int(w, 16) for w in re.findall("." * digits, line)][::-1] for line in lines]
    return np.array(rows)[:, 0] if column.size(PRESETS[recipe]) == 1 else np.array(rows)


@pytest.mark.long
def test_memh_and_npz_hold_the_numbers_of_json():
    recipe = "4over6-mae"
    d, prefix = document(recipe), f"{recipe}/"
    files = {n: data for n, data in export("npz", *RECIPES).items() if n.startswith(prefix)}
    parts = [dict(np.load(io.BytesIO(data))) for _, data in sorted(files.items())]
    for c in BLOCKS:
        want = [b[c.name] for b in d["blocks"]]
        assert memh(recipe, c).tolist() == want, c.name
        if c.name != "vector":  # counted within a group there
            assert np.concatenate([p[f"blocks.{c.name}"] for p in parts]).tolist() == want, c.name
    ids = [row.tobytes().rstrip(b"\0").decode() for p in parts for row in p["vectors.id"]]
    assert ids == [v["id"] for v in d["vectors"]]
    listed = export("memh", *RECIPES)[f"{recipe}/ids.txt"].decode("ascii").splitlines()
    assert [line.split(" ")[0] for line in listed] == ids


@pytest.mark.long
def test_the_package_states_the_width_of_every_word():
    text = export("memh", *RECIPES)["4over6-mae/fos_vectors.sv"].decode("ascii")
    for c in BLOCKS:
        (stated,) = re.findall(rf"localparam W_{c.name.upper()} = (\d+);", text)
        first = export("memh", *RECIPES)[f"4over6-mae/{c.name}.memh"].split(b"\n")[0]
        assert int(stated) <= 4 * len(first) < int(stated) + 4


def test_a_column_is_as_wide_as_its_numbers():
    d = document("te-mse-256-row")
    for table, columns in TABLES.items():
        for c in columns:
            values = np.array([row[c.name] for row in d[table]])
            assert 0 <= values.min() <= values.max() < 2**c.bits, c.name


@pytest.mark.sample(2)
@pytest.mark.parametrize("form", FORMS)
def test_the_same_vectors_give_the_same_bytes_and_the_manifest_lists_them(form):
    first = export(form, *RECIPES)
    again = FORMS[form](source(*RECIPES))
    assert {n: first[n] for n in again if n != "README.md"} == {
        n: data for n, data in again.items() if n != "README.md"
    }
    manifest = json.loads(first["MANIFEST.json"])
    assert list(first)[-1] == "MANIFEST.json"
    assert set(manifest["files"]) == set(first) - {"MANIFEST.json"}
    for name, entry in manifest["files"].items():
        assert entry == {"bytes": len(first[name]), "sha256": hashlib.sha256(first[name]).hexdigest()}
    assert set(manifest["recipes"]) == set(RECIPES)
    assert manifest["recipes"]["4over6-mae"]["fingerprint"] == PRESETS["4over6-mae"].fingerprint()
    assert manifest["source"]["golden"] == "v1"
    assert "v1/4over6-mae/worked.json" in manifest["source"]["files"]


@pytest.mark.long
def test_the_readme_of_every_form_lists_every_field():
    for form in FORMS:
        text = export(form, *RECIPES)["README.md"].decode("ascii")
        for columns in TABLES.values():
            assert [c.name for c in columns if f"| `{c.name}` | {c.bits} |" not in text] == []
