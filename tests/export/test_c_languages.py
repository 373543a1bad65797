"""The exported C is C99 and C++17 without a warning, links across both, and its end names the mistake."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.export.exported import flipped, run, source, written

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("g++") is None,
    reason="gcc or g++ is not installed: no C was run",
)
RECIPE = "4over6-absmax"
WARNED = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-pedantic", "-ffp-contract=off", "-O1"]
LANGUAGES = {"c99": ["gcc", "-std=c99"], "c++17": ["g++", "-x", "c++", "-std=c++17"]}
SOURCES = ("fos_check.c", "fos_quantize.c", "fos_chain.c")


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path / "c", "c", RECIPE)


def compiled(folder, language: str, *sources: str, recipe: str = RECIPE) -> tuple[int, str]:
    command = [*LANGUAGES[language], *WARNED, f'-DFOS_VECTORS="{recipe}.h"', "-c", *sources]
    return run(command, folder)


def linked(folder, *objects: str) -> tuple[int, str]:
    assert run(["g++", *objects, "-lm", "-o", "check"], folder) == (0, "")
    return run(["./check"], folder)


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_source_compiles_and_every_vector_passes(folder, language):
    assert compiled(folder, language, *SOURCES) == (0, "")
    code, said = linked(folder, "fos_check.o", "fos_quantize.o")
    assert (code, said.startswith(f"PASS: {RECIPE}: ")) == (0, True)


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_altered_vector_fails(folder, language):
    header = folder / f"{RECIPE}.h"
    before, after = header.read_text().split("fos_words_word_float32[] = {\n    ")
    word = after.split(",")[0]
    header.write_text(f"{before}fos_words_word_float32[] = {{\n    {flipped(word)}{after[len(word) :]}")
    assert compiled(folder, language, *SOURCES) == (0, "")
    code, said = linked(folder, "fos_check.o", "fos_quantize.o")
    assert code == 1
    assert said.splitlines()[-1].startswith(f"FAIL: {RECIPE}: ")


@pytest.mark.long
@pytest.mark.parametrize(("checker", "quantizer"), [("c99", "c++17"), ("c++17", "c99")])
def test_a_quantizer_of_the_other_language_links(folder, checker, quantizer):
    assert compiled(folder, checker, "fos_check.c") == (0, "")
    assert compiled(folder, quantizer, "fos_quantize.c") == (0, "")
    assert linked(folder, "fos_check.o", "fos_quantize.o")[0] == 0


@pytest.mark.sample(2)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SOURCES)
def test_a_missing_vectors_header_is_one_error_in_words(folder, language, name):
    code, said = run([*LANGUAGES[language], *WARNED, "-c", name], folder)
    assert code != 0
    assert len(re.findall(r"\berror: ", said)) == 1
    assert "FOS_VECTORS must name the header of a recipe" in said


def changed(folder, right: str, wrong: str) -> tuple[int, str]:
    text = (folder / "fos_quantize.c").read_text()
    assert text.count(right) == 1
    (folder / "fos_quantize.c").write_text(text.replace(right, wrong))
    assert compiled(folder, "c99", "fos_check.c", "fos_quantize.c", recipe="4over6") == (0, "")
    return linked(folder, "fos_check.o", "fos_quantize.o")


def showing(flag: str) -> int:
    (t,) = source("4over6").tables()
    return sum(flag in x.flags for x in t.texts)


@pytest.mark.long
def test_the_end_names_the_mistake_and_counts_by_flag(tmp_path):
    folder = written(tmp_path / "c", "c", "4over6")
    code, said = changed(folder, "1.5f * base", "1.5f * e4m3_value(e4m3(base))")
    assert code == 1
    lines = said.splitlines()
    n = showing("ExpandAfterRounding")
    assert lines[-3].startswith(f"flags all of whose vectors failed: ExpandAfterRounding {n}/{n}, ")
    some = dict(
        re.findall(r" (\w+) (\d+/\d+)", lines[-2].removeprefix("flags some of whose vectors failed:"))
    )
    assert some["NibbleOrder"].endswith(f"/{showing('NibbleOrder')}")
    assert all(int(share.split("/")[0]) < int(share.split("/")[1]) for share in some.values())
    shown = [line.split(":")[0] for line in lines[:10]]
    assert len(set(shown)) == 10, "one line a vector"
    assert int(re.fullmatch(r"and (\d+) more vectors", lines[10])[1]) == int(lines[-1].split()[-3]) - 10


@pytest.mark.long
def test_a_step_alone_is_no_sign_of_a_mistake_of_the_result(tmp_path):
    """The errors of map-to-4 are wrong, the choice is not: no vector of a flag has a wrong result."""
    folder = written(tmp_path / "c", "c", "4over6")
    code, said = changed(folder, "b->map4_error = four.error;", "b->map4_error = four.error ^ 1u;")
    assert code == 1
    assert said.splitlines()[-3:-1] == [
        f"flags {all_or} of whose vectors failed: none" for all_or in ("all", "some")
    ]


@pytest.mark.long
def test_an_argument_is_refused(folder):
    assert compiled(folder, "c99", *SOURCES) == (0, "")
    assert linked(folder, "fos_check.o", "fos_quantize.o")[0] == 0
    assert run(["./check", "midponts"], folder) == (
        2,
        f"midponts: every vector of {RECIPE} is checked: no argument is allowed\n",
    )
    assert run(["g++", "fos_chain.o", "fos_quantize.o", "-lm", "-o", "chain"], folder) == (0, "")
    assert run(["./chain", "10x"], folder) == (2, "10x: a number of steps from 1 to 10000 is allowed\n")
