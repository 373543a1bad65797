"""The exported C: compiled without a warning, every vector checked by a quantizer that shares no code."""

from __future__ import annotations

import re
import shutil

import pytest

from fos_ref.export.columns import BLOCKS
from tests.export.exported import export, flipped, OWN, run, source, TE, written

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed: no C was run")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off"]


def checked(folder, recipe: str, optimized: str = "-O0") -> tuple[int, str]:
    names = ["fos_check.c", "fos_quantize.c", "-lm", "-o", "check"]
    built = run(["gcc", optimized, *STRICT, f'-DFOS_VECTORS="{recipe}.h"', *names], folder)
    assert built == (0, "")
    return run(["./check"], folder)


def counted(recipe: str) -> str:
    (t,) = source(recipe).tables()
    return f"{recipe}: {t.rows('vectors')} vectors, {t.rows('blocks')} blocks"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder with the checker and the vectors of 4over6 compiled: a quantizer is to be linked."""
    folder = written(tmp_path_factory.mktemp("c") / "out", "c", "4over6")
    command = ["gcc", "-O0", *STRICT, '-DFOS_VECTORS="4over6.h"', "-c", "fos_check.c"]
    assert run(command, folder) == (0, "")
    return folder


def linked(folder, quantizer: str) -> tuple[int, str]:
    names = [quantizer, "fos_check.o", "-lm", "-o", quantizer.removesuffix(".c")]
    assert run(["gcc", "-O1", *STRICT, '-DFOS_VECTORS="4over6.h"', *names], folder) == (0, "")
    return run([f"./{quantizer.removesuffix('.c')}"], folder)


@pytest.mark.long
def test_every_vector_passes(tables):
    assert linked(tables, "fos_quantize.c") == (0, f"PASS: {counted('4over6')}; 0 vectors differ\n")


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimized", ["-O0", "-O2", "-O3"])
@pytest.mark.parametrize("recipe", OWN + TE)
def test_every_vector_passes_at_every_optimization(tmp_path, recipe, optimized):
    folder = written(tmp_path / "c", "c", recipe)
    assert checked(folder, recipe, optimized)[0] == 0


def block_lines(lines: list[str]) -> list[int]:
    start = lines.index("static const fos_block fos_blocks[FOS_BLOCK_COUNT] = {")
    return list(range(start + 1, lines.index("};", start)))


def test_one_bit_of_every_field_of_a_block_is_caught_and_named(tmp_path):
    """Vector k, which has one block, gets a wrong bit in column k: these differ, no other."""
    recipe = "4over6-absmax"
    folder = written(tmp_path / "c", "c", recipe)
    header = folder / f"{recipe}.h"
    lines = header.read_text().split("\n")
    for k, (c, line) in enumerate(zip(BLOCKS, block_lines(lines), strict=False)):
        fields = re.findall(r"\{0x[^}]*\}|0x[0-9A-F]+", lines[line].strip()[1:-2])
        assert len(fields) == len(BLOCKS), c.name
        first = re.search("0x[0-9A-F]+", fields[k]).group()
        fields[k] = fields[k].replace(first, flipped(first), 1)
        lines[line] = f"    {{{', '.join(fields)}}},"
    header.write_text("\n".join(lines))
    code, said = checked(folder, recipe)
    assert code == 1
    assert said.endswith(f"FAIL: {counted(recipe)}; {len(BLOCKS)} vectors differ\n")
    (t,) = source(recipe).tables()
    assert said.split("\n")[3].startswith(f"{t.texts[3].id}: block 0: rows_in[0] is 1, expected 0")


def test_one_bit_of_an_input_is_caught(tmp_path):
    recipe = "4over6-absmax"
    folder = written(tmp_path / "c", "c", recipe)
    header = folder / f"{recipe}.h"
    text = header.read_text()
    name = "fos_words_word_float32[] = {\n    "
    at = text.index(name) + len(name)
    word = text[at:].split(",")[0]
    header.write_text(text[:at] + flipped(word) + text[at + len(word) :])
    code, said = checked(folder, recipe)
    assert code == 1
    assert source(recipe).vectors[recipe]["near-ties"][0].id in said.split("\n")[0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("right", "wrong", "flag"),
    [
        (
            "from_bits(four.error) < from_bits(six.error)",
            "from_bits(four.error) <= from_bits(six.error)",
            "TieRule",
        ),
        ("(m >= 0.75f)", "(m > 0.75f)", ""),
        ("in->x[(row + i) * in->stride + col + j]", "in->x[(row + i) * in->cols + col + j]", ""),
    ],
)
def test_a_wrong_quantizer_fails(tables, right, wrong, flag):
    text = (tables / "fos_quantize.c").read_text()
    assert text.count(right) == 1
    (tables / "wrong.c").write_text(text.replace(right, wrong))
    code, said = linked(tables, "wrong.c")
    assert code == 1
    assert flag in said


def chained(folder, quantizer: str = "fos_quantize.c", steps: int = 1) -> tuple[int, str]:
    names = ["fos_chain.c", quantizer, "-lm", "-o", "chain"]
    assert run(["gcc", "-O1", *STRICT, '-DFOS_VECTORS="4over6.h"', *names], folder) == (0, "")
    return run(["./chain", str(steps)], folder)


@pytest.mark.long
def test_the_chains_are_walked_to_the_committed_digests(tables):
    code, said = chained(tables)
    assert code == 0
    assert said.splitlines() == [
        f"PASS: {c['id']}: 1 steps, 10000 blocks, 1 digests" for c in source("4over6").chains["4over6"]
    ]


@pytest.mark.exhaustive
def test_the_chains_are_walked_far(tables):
    code, said = chained(tables, steps=300)
    assert code == 0
    assert "PASS: 4over6/float32: 300 steps, 3000000 blocks, 5 digests" in said


def test_a_wrong_quantizer_breaks_the_chain(tables):
    text = (tables / "fos_quantize.c").read_text()
    assert text.count("1.5f * base") == 1
    (tables / "wrong.c").write_text(text.replace("1.5f * base", "1.5f * e4m3_value(e4m3(base))"))
    code, said = chained(tables, "wrong.c")
    assert code == 1
    assert said.startswith("FAIL: 4over6/bfloat16: after step 1 the digest is ")
    assert source("4over6").chains["4over6"][0]["points"][0]["sha256"] in said


@pytest.mark.long
def test_a_recipe_that_the_quantizer_does_not_have_is_no_pass(tmp_path):
    folder = written(tmp_path / "c", "c", "torchao-nvfp4")
    code, said = checked(folder, "torchao-nvfp4", "-O0")
    assert code == 2
    assert said.startswith("torchao-nvfp4: not checked: this quantizer does not have ")


@pytest.mark.long
def test_a_header_needs_stdint_alone():
    for name, data in export("c", "4over6-absmax", "torchao-nvfp4").items():
        if name.endswith(".h") and name != "fos_quantize.h":
            included = re.findall(r"#include.*", data.decode("ascii"))
            assert included == ["#include <stdint.h>"], name
            assert not re.search(
                r"\b(float|double)\b", re.sub(r"/\*.*?\*/|\".*?\"", "", data.decode(), flags=re.DOTALL)
            )
