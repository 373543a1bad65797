"""`fos golden`: what is wrong in bulk files, maps and flags is found and named; what the commands say."""

from __future__ import annotations

import json

import pytest

from fos_ref.cli import run
from fos_ref.errors import GoldenFormatError
from fos_ref.mutants.catalogue import up_to
from fos_ref.recipes import PRESETS
from fos_ref.vectors import bulk, layout, lint
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.distinguishing.check import VECTORS
from fos_ref.vectors.flags import flags, kills
from fos_ref.vectors.manifest import digest, FROZEN, MANIFEST, manifest
from fos_ref.vectors.npz import read_npz, write_npz
from fos_ref.vectors.on_disk import README
from fos_ref.vectors.verify import verify
from tests.vectors.folder import files, vectors

R = PRESETS["te-mse-256"]
NAME = bulk.name_of(R)


def with_file(name, data):
    """Return the folder with another file under a name, and its digest in the manifest."""
    listed = json.loads(files()[MANIFEST])
    listed["files"][name]["sha256"] = digest(data)
    return files() | {name: data, MANIFEST: canonical(listed)}


def with_arrays(name, change):
    """Return the folder with other arrays in a bulk file."""
    arrays = {k: a.copy() for k, a in read_npz(files()[name], name).items()}
    change(arrays)
    return with_file(name, write_npz(arrays))


def with_index(change):
    """Return the folder with another index of the bulk files."""
    index = json.loads(files()[bulk.INDEX])
    change(index)
    return with_file(bulk.INDEX, canonical(index))


def found_in(given, only):
    return [(f.vector, f.what, f.got, f.want) for f in verify(given, "numpy", only=only).failures]


def test_a_byte_of_a_bulk_file_is_found_at_its_place():
    def change(arrays):
        arrays["block_scales"][1, 3, 2] ^= 1
        arrays["picked4"][7, 0, 0] ^= 1
        arrays["picked4"][7, 15, 7] ^= 1

    stored = read_npz(files()[NAME], NAME)
    scale, pick = int(stored["block_scales"][1, 3, 2]), int(stored["picked4"][7, 0, 0])
    assert found_in(with_arrays(NAME, change), NAME) == [
        (
            f"bulk/{R.name}/bell-bfloat16",
            "block_scales, 1 bytes, the first at (3, 2)",
            f"{scale:02X}",
            f"{scale ^ 1:02X}",
        ),
        (
            f"bulk/{R.name}/tiny-float32",
            "picked4, 2 bytes, the first at (0, 0)",
            f"{pick:02X}",
            f"{pick ^ 1:02X}",
        ),
    ]
    assert verify(files(), "numpy", only=NAME).vectors == len(bulk.inputs())


def test_other_bits_of_an_input_are_what_is_quantized():
    """The stored bits are the input, whatever this version would make."""

    def change(arrays):
        arrays["bell-float32"][0] ^= 1 << 31

    found = found_in(with_arrays(bulk.INPUTS, change), NAME)
    assert {f[0] for f in found} == {f"bulk/{R.name}/bell-float32"}
    assert [f[1].split(",")[0] for f in found] == ["codes"]  # signs alone are other


BULK = {
    "all are needed": lambda: {n: d for n, d in files().items() if n != bulk.INPUTS},
    "the inputs of this version are bell-float32": lambda: with_index(
        lambda i: i["inputs"][0].update(comment="other")
    ),
    "not those of the presets": lambda: with_index(lambda i: i["recipes"].pop("nvfp4")),
    "tiny-float32 is uint32 (15, 128)": lambda: with_arrays(
        bulk.INPUTS, lambda a: a.update({"tiny-float32": a["tiny-float32"][1:]})
    ),
}


@pytest.mark.parametrize("problem", BULK)
def test_an_index_or_inputs_of_another_form_are_refused(problem):
    with pytest.raises(GoldenFormatError) as e:
        bulk.read(BULK[problem]())
    assert problem in str(e.value)


@pytest.mark.parametrize(
    "change", [lambda a: a.pop("picked4"), lambda a: a.update(codes=a["codes"][:, :8])], ids=["lost", "short"]
)
def test_a_bulk_file_of_other_arrays_is_refused(change):
    with pytest.raises(
        GoldenFormatError, match=r"te-mse-256\.npz: arrays .*'codes': \(\(8, 16, 64\), 'uint8'\)"
    ):
        found_in(with_arrays(NAME, change), NAME)


def test_a_map_of_the_layout_and_distinguishing_vectors_are_verified_by_name():
    document = json.loads(files()[layout.NAME])
    document["maps"][2]["offsets"][0] = document["maps"][2]["offsets"][0][::-1]
    wrong = with_file(layout.NAME, canonical(document))
    assert found_in(wrong, layout.NAME) == [("layout/swizzle/3", "offsets", "other", "these")]
    document = json.loads(files()[VECTORS])
    for part in ("mutants", "vectors"):
        document[part] = document[part][:1]
    document["mutants"][0]["expected"], document["mutants"][0]["wrong"] = (
        document["mutants"][0][k] for k in ("wrong", "expected")
    )
    found = verify(with_file(VECTORS, canonical(document)), "numpy", only=VECTORS)
    assert found.vectors == 2
    assert {(f.vector, f.what) for f in found.failures} == {
        (f"mutant: {document['mutants'][0]['mutant']}", "codes")
    }


def test_an_offset_outside_and_an_id_that_stands_twice():
    document = json.loads(files()[layout.NAME])
    document["maps"][0]["offsets"] = [f"{document['maps'][0]['bytes']:04X}"]
    assert layout.failures(canonical(document)) == ["layout/swizzle/1"]
    document["maps"][1]["id"] = "layout/swizzle/1"
    with pytest.raises(GoldenFormatError, match="an id stands there twice"):
        layout.failures(canonical(document))


@pytest.mark.long
@pytest.mark.parametrize(
    ("recipe", "group", "some"),
    [
        ("4over6-16x16", "nonfinite", slice(6)),
        ("nvfp4", "tails", slice(None, None, 4)),
        ("te-mse-256", "nonfinite", slice(2)),
    ],
)
def test_flags_are_those_of_refused_ragged_and_propagating_vectors(recipe, group, some):
    given = vectors(recipe, group)[some]
    cases = [v.case for v in given]
    killed = kills(cases, PRESETS[recipe], up_to(1))
    assert flags(cases, PRESETS[recipe], killed) == [list(v.flags) for v in given]


@pytest.mark.long
def test_a_refused_vector_takes_no_flag_from_those_beside_it():
    given = [*vectors("nvfp4", "nonfinite")[:2], *vectors("nvfp4", "worked")[:2]]
    cases = [v.case for v in given]
    found = flags(cases, PRESETS["nvfp4"], kills(cases, PRESETS["nvfp4"], up_to(1)))
    assert found == [list(v.flags) for v in given]
    assert found[0] == []
    assert all(found[2:])


def test_lint_says_that_the_folder_is_too_large_and_what_bulk_files_are_no_recipe_s(monkeypatch):
    monkeypatch.setattr(lint, "MOST_BYTES", 3)
    assert list(lint._sizes({"a": b"1234"})) == ["4 bytes: at most 3 are allowed"]
    assert list(lint._sizes({"a": b"123"})) == []
    given = {**files(), "v1/bulk/other.npz": b""}
    assert list(lint._bulk(given)) == ["v1/bulk/other.npz: no recipe of this name"]
    del given[bulk.INPUTS]
    assert "all are needed to read a bulk file" in next(lint._bulk(given))


@pytest.mark.long
def test_the_index_and_the_inputs_are_verified_as_the_files_that_they_are():
    for name in (bulk.INDEX, bulk.INPUTS):
        found = verify(files(), "numpy", only=name)
        assert (found.vectors, found.failures) == (0, [])
    wrong = with_index(lambda i: i["recipes"].pop("nvfp4"))
    with pytest.raises(GoldenFormatError, match="not those of the presets"):
        verify(wrong, "numpy", only=bulk.INDEX)


def test_an_engine_that_lacks_a_recipe_leaves_its_bulk_file_and_says_so():
    name = "llmcompressor-expanded-mse"
    found = verify(files(), "host", only=f"v1/bulk/{name}.npz")
    assert (found.vectors, found.failures, list(found.not_run)) == (0, [], [name])


@pytest.mark.long
def test_a_manifest_of_another_form_is_one_problem_and_no_digest_is_asked_of_it():
    given = {n: d for n, d in files().items() if n.count("/") < 2 or n == bulk.INPUTS}
    found = lint.lint({**given, MANIFEST: b"{"})
    assert len(found) == 1
    assert found[0].startswith(f"{MANIFEST}: not JSON")


# --- the commands --------------------------------------------------------------------------------------


def test_lint_says_how_much_there_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fos_ref.vectors.lint.lint", lambda *_: [])
    text = b"x" * 51_000
    (tmp_path / README).write_bytes(text)
    (tmp_path / MANIFEST).write_bytes(manifest({README: text}))
    assert run(["golden", "lint", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: 2 files, 0.1 MB: nothing wrong\n"


@pytest.mark.long
def test_write_makes_folders_keeps_what_people_wrote_and_lists_all(tmp_path, monkeypatch, capsys):
    made = {n: files()[n] for n in ("notes.json", layout.NAME, "v1/nvfp4/worked.json")}
    monkeypatch.setattr("fos_ref.vectors.folder.generated", lambda say, _: say("worked") or made)
    (tmp_path / README).write_bytes(b"by hand")
    arguments = ["golden", "write", "--dir", str(tmp_path)]
    assert run(arguments) == 0
    count = len(vectors("nvfp4", "worked")) + len(json.loads(files()[layout.NAME])["maps"])
    assert capsys.readouterr().out == f"{tmp_path}: 6 files, {count} vectors\n"
    there = {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*.*")}
    assert there.pop(README) == b"by hand"
    assert {n: there.pop(n) for n in made} == made
    assert set(there) == {MANIFEST, FROZEN}
    assert set(json.loads(there[MANIFEST])["files"]) == {*made, README, FROZEN}
    made[layout.NAME] += b" "
    assert run(arguments) == 2
    assert "v1/layout.json would change: its bits are frozen" in capsys.readouterr().err
    assert (tmp_path / layout.NAME).read_bytes() == files()[layout.NAME]


def test_a_terminal_is_told_what_is_under_way(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    given = {n: files()[n] for n in (MANIFEST, "v1/nvfp4/worked.json")}
    for name, data in given.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert run(["golden", "verify", "--dir", str(tmp_path), "--only", "v1/nvfp4/worked.json"]) == 0
    assert "v1/nvfp4/worked.json" in capsys.readouterr().err
