"""The exported SystemVerilog, run by Icarus Verilog: passes as it is, fails for one bit or a wrong design."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.export.exported import flipped, OWN, run, source, written

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="iverilog is not installed: no testbench was run"
)
SOURCES = ("fos_dut.sv", "fos_tb.sv")
RECIPE = "4over6-absmax"
#: Columns that a design's outputs are compared with; of blocks of 4over6-absmax.
EXPECTED = {
    "map6_element_codes": 3,  # e2m1; as an input of select it shows in the codes, if map-to-6 is kept
    "map4_element_codes": 3,
    "map6_block_scale": 3,
    "map4_block_scale": 3,
    "picked4": 2,
    "block_scale": 2,
    "codes": 2,
    "map6_error": 1,
    "map4_error": 1,
}


def built(folder, recipe: str) -> None:
    inputs = ["fos_float.sv", "fos_formats.sv", f"{recipe}/fos_vectors.sv", *SOURCES]
    assert run(["iverilog", "-g2012", "-Wall", "-o", "sim", *inputs], folder) == (0, "")


def simulated(folder, recipe: str, *more: str) -> tuple[int, str]:
    return run(["vvp", "-n", "sim", f"+dir={recipe}", *more], folder)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A folder with the testbench built; whoever changes a file puts it back."""
    folder = written(tmp_path_factory.mktemp("memh") / "out", "memh", RECIPE, "nvfp4")
    built(folder, RECIPE)
    return folder


@pytest.fixture
def changed(bench):
    """Change files of the folder, and put them back after the test."""
    kept = {}

    def change(name, text):
        path = bench / RECIPE / name
        kept.setdefault(path, path.read_text())
        path.write_text(text(kept[path]))

    yield change
    for path, text in kept.items():
        path.write_text(text)


@pytest.mark.long
def test_every_block_passes(bench):
    code, said = simulated(bench, RECIPE)
    (t,) = source(RECIPE).tables()
    blocks, comparisons = t.rows("blocks"), 42 * t.rows("blocks")  # 32 + 2 + 3 + 5 of each block
    assert (code, said) == (0, f"PASS: {RECIPE}: {blocks} blocks, {comparisons} comparisons\n")


@pytest.mark.exhaustive
@pytest.mark.parametrize("recipe", OWN)
def test_every_block_of_every_recipe_passes(tmp_path, recipe):
    folder = written(tmp_path / "memh", "memh", recipe)
    built(folder, recipe)
    code, said = simulated(folder, recipe)
    assert code == 0
    assert said.startswith(f"PASS: {recipe}: ")


@pytest.mark.long
def test_one_bit_of_every_expected_column_is_caught_and_named(bench, changed):
    def one_bit(k):
        def text(old):
            lines = old.split("\n")
            lines[k] = flipped(lines[k])
            return "\n".join(lines)

        return text

    for k, name in enumerate(EXPECTED):
        changed(f"{name}.memh", one_bit(k))
    code, said = simulated(bench, RECIPE)
    (t,) = source(RECIPE).tables()
    assert code != 0
    lines = [line for line in said.split("\n") if line.startswith(f"{RECIPE}/")]
    ids = [t.texts[int(t.columns["blocks"]["vector"][k])].id for k in range(len(EXPECTED))]
    assert lines[0].startswith(f"{ids[0]}: block at row 0, column 0: e2m1 map6_element_codes[0] is ")
    differ = int(said.split(" differ")[0].split(" ")[-1])
    assert differ >= len(EXPECTED)
    assert f"FAIL: {RECIPE}: " in said


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["map6_element_codes", "map4_block_scale", "picked4", "map4_error"])
def test_one_bit_of_one_column_is_caught_by_the_check_of_its_own(bench, changed, name):
    only = {3: "e4m3" if "scale" in name else "e2m1", 2: "select", 1: "block"}[EXPECTED[name]]
    changed(f"{name}.memh", lambda old: flipped(old.split("\n")[0]) + old[old.index("\n") :])
    code, said = simulated(bench, RECIPE, f"+only={only}")
    (t,) = source(RECIPE).tables()
    assert code != 0
    assert said.startswith(f"{t.texts[0].id}: block at row 0, column 0: {only} {name}[0] is ")
    assert ", 1 differ, 0 checks not run\n" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda old: old[: old.rindex("\n", 0, -1) + 1], "67 words are allowed"),
        (lambda _: "", "67 words are allowed"),
        (lambda old: "x" + old[1:], "line 1 is not hexadecimal"),
    ],
)
def test_a_file_that_is_not_whole_is_no_pass(bench, changed, text, said):
    changed("present.memh", text)
    code, out = simulated(bench, RECIPE, "+only=e2m1")
    assert code != 0
    assert f"FAIL: {RECIPE}/present.memh: {said}" in out


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("name", "right", "wrong", "check"),
    [
        ("fos_formats.sv", "m < 31'h3F400000", "m <= 31'h3F400000", "e2m1"),
        ("fos_formats.sv", "rest == half && kept[0]", "rest == half", "e4m3"),
        ("fos_dut.sv", "f32_less(map4_error, map6_error)", "!f32_less(map6_error, map4_error)", "select"),
        ("fos_dut.sv", "joined = f32_less(a, b) ? b : a;", "joined = f32_less(a, b) ? a : b;", "block"),
    ],
)
def test_a_wrong_design_fails(tmp_path, name, right, wrong, check):
    folder = written(tmp_path / "memh", "memh", RECIPE, "nvfp4")
    path = folder / name
    assert path.read_text().count(right) == 1
    path.write_text(path.read_text().replace(right, wrong))
    recipe = "nvfp4" if check in ("e2m1", "e4m3") else RECIPE
    built(folder, recipe)
    code, said = simulated(folder, recipe, f"+only={check}")
    assert code != 0
    assert f": {check} " in said.split("\n")[0]


@pytest.mark.long
def test_the_end_names_the_mistake_and_counts_by_flag(tmp_path):
    folder = written(tmp_path / "memh", "memh", "4over6")
    path = folder / "fos_dut.sv"
    right = "f32_to_e4m3(f32_mul(F32_1_5, base))"
    assert path.read_text().count(right) == 1
    path.write_text(
        path.read_text().replace(right, "f32_to_e4m3(f32_mul(F32_1_5, e4m3_to_f32(map6_block_scale)))")
    )
    built(folder, "4over6")
    code, said = simulated(folder, "4over6", "+only=block")
    (t,) = source("4over6").tables()
    n = sum("ExpandAfterRounding" in x.flags for x in t.texts)
    lines = said.splitlines()
    assert code != 0
    assert lines[11].startswith(f"flags all of whose vectors failed: ExpandAfterRounding {n}/{n}, ")
    some = dict(
        re.findall(r" (\w+) (\d+/\d+)", lines[12].removeprefix("flags some of whose vectors failed:"))
    )
    assert some["NibbleOrder"].endswith(
        f"/{sum('NibbleOrder' in x.flags and has_blocks(t, x) for x in t.texts)}"
    )
    assert all(int(share.split("/")[0]) < int(share.split("/")[1]) for share in some.values())
    assert len({line.split(":")[0] for line in lines[:10]}) == 10, "one line a vector"
    assert re.fullmatch(r"and \d+ more vectors", lines[10])
    assert lines[13].startswith(f"FAIL: 4over6: {sum(t.columns['vectors']['blocks'])} blocks, ")


def has_blocks(t, text) -> bool:
    return bool(t.columns["vectors"]["blocks"][t.texts.index(text)])


@pytest.mark.parametrize("only", ["blok", "e2m", "select "])
def test_an_unknown_check_is_refused(bench, only):
    code, said = simulated(bench, RECIPE, f"+only={only}")
    assert code != 0
    assert said.startswith(f"FAIL: +only={only}: e2m1, e4m3, select or block is allowed\n")


def test_a_flags_file_that_is_not_whole_is_no_pass(bench, changed):
    changed("flags.memh", lambda old: old[: old.rindex("\n", 0, -1) + 1])
    code, said = simulated(bench, RECIPE)
    (t,) = source(RECIPE).tables()
    assert code != 0
    assert f"FAIL: {RECIPE}/flags.memh: {t.rows('vectors')} words are allowed, one a vector" in said


@pytest.mark.long
def test_a_recipe_that_the_designs_do_not_have_is_no_pass(tmp_path):
    folder = written(tmp_path / "memh", "memh", "te-mse-256-fast")
    built(folder, "te-mse-256-fast")
    code, said = simulated(folder, "te-mse-256-fast")
    assert code != 0
    assert "block: not checked: " in said
