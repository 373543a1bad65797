"""v1/products.json: whole numbers and Fractions give its bits, a changed word is found, each form has it."""

from fractions import Fraction

import numpy as np
import pytest

from fos_ref.errors import GoldenFormatError
from fos_ref.export.products import columns, FORMS, product_files
from fos_ref.matmul.integer_accumulators import added, terms_of
from fos_ref.oracle import products as rational
from fos_ref.vectors import products
from fos_ref.vectors.canonical import canonical, parse
from tests.matmul.lines import lines
from tests.meta.tree import ROOT

DOCUMENT = products.document()
DATA = canonical(DOCUMENT)
SHORT = 512  #: columns that Fractions add in every way
RATIONAL = {
    "te": lambda x, y: rational.sequential(rational.group_terms(x, y)),
    "te-reversed": lambda x, y: rational.sequential(rational.group_terms(x, y)[::-1]),
    "cutlass": lambda x, y: rational.sequential(rational.element_terms(x, y)),
    "blackwell-fp4": rational.tensor_core,
    "34-bits": lambda x, y: rational.tensor_core(x, y, 34),
    "25-bits": lambda x, y: rational.tensor_core(x, y, 25),
    "steps-of-128": lambda x, y: rational.tensor_core(x, y, 35, 128),
}


def value(word):
    return float(np.uint32(int(word, 16)).view(np.float32))


@pytest.mark.long
def test_the_committed_file_is_what_is_computed():
    assert (ROOT / "golden" / products.NAME).read_bytes() == DATA
    assert products.failures(DATA) == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("v", products.read(DATA), ids=lambda v: v[0]["id"])
def test_a_vector_by_whole_numbers_and_by_rational_ones(v):
    doc, a, b = v
    (x,), (y,) = lines(a), lines(b)
    if rational.has_nan(x, y):
        assert set(doc["accumulators"].values()) == {"7FC00000"}
        return
    exact = np.uint64(int(doc["exact_bits"], 16)).view(np.float64)
    assert Fraction(float(exact)) == rational.total(rational.element_terms(x, y))
    assert doc["certified"]["element"] == rational.certified(rational.element_terms(x, y))
    assert doc["accumulators"].keys() == RATIONAL.keys() == products.ACCUMULATORS.keys()
    for name, word in doc["accumulators"].items():
        form = products.ACCUMULATORS[name]
        assert value(word) == added(terms_of(a, b, form), form), name
        if doc["columns"] <= SHORT:
            assert value(word) == RATIONAL[name](x, y), name


def test_edges_show_their_mistakes():
    for v in DOCUMENT["vectors"]:
        for word in v["wrong"].values():
            assert word not in v["accumulators"].values(), v["id"]
    ids = [v["id"].partition("/")[2] for v in DOCUMENT["vectors"]]
    assert ids[:9] == ["v1", "v1b", "v1c", "v2", "v3", "v4", "v4b", "v4c", "v5"]
    assert len(ids) >= 17
    alphas = {v["id"]: set(v["outputs"].values()) for v in DOCUMENT["vectors"] if v["outputs"]}
    assert len(alphas["products/alpha-underflow"]) == 3
    assert len(alphas["products/alpha-rounded"]) >= 3


@pytest.mark.long
def test_another_bit_is_a_failure_and_another_form_is_refused():
    changed = parse(DATA, products.NAME)
    first = changed["vectors"][0]
    first["accumulators"]["te"] = "00000001"
    first["exact_bits"] = "3EB0000000000001"
    assert [f.what for f in products.failures(canonical(changed))] == ["exact_bits", "accumulators"]
    for key, wrong in (("columns", 80), ("a", first["a"] | {"codes": "00"}), ("id", "products/v2")):
        other = parse(DATA, products.NAME)
        other["vectors"][0][key] = wrong
        with pytest.raises(GoldenFormatError):
            products.read(canonical(other))


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_has_every_number(form):
    found = product_files(form, DOCUMENT)
    arrays = columns(DOCUMENT)
    text = b" ".join(found.values())
    if form == "json":
        assert text == DATA
    if form == "memh":
        assert len(found) == len(arrays)
        words = found["products/exact_bits.memh"].split()
        assert [int(w, 16) for w in words] == arrays["exact_bits"].tolist()
    if form == "c":
        for name, values in arrays.items():
            assert f"fos_product_{name}[{values.size}]".encode() in text
    assert arrays["a_codes"].size == 8 * arrays["a_block_scales"].size == 8 * int(arrays["blocks"].sum())
