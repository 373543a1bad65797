"""Any flipped bit of any file of golden/ is caught, and so is a file too many, too few or another."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.errors import FosError, GoldenFormatError
from fos_ref.vectors.bulk import INPUTS
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.chain import NAME as CHAINS
from fos_ref.vectors.folder import NOTES_FILE, SCHEMA
from fos_ref.vectors.layout import NAME as LAYOUT
from fos_ref.vectors.lint import _derived, lint
from fos_ref.vectors.manifest import (
    changed,
    check_frozen,
    digest,
    FROZEN,
    frozen,
    MANIFEST,
    manifest,
    read_manifest,
)
from fos_ref.vectors.on_disk import README
from fos_ref.vectors.verify import verify
from fos_ref.vectors.words import words
from tests.vectors.folder import files, GOLDEN, ROOT

SMALL = (FROZEN, LAYOUT, README, NOTES_FILE, "v1/4over6/worked.json", "v1/bulk/nvfp4.npz")


def with_bit_flipped(name, place, bit):
    data = bytearray(files()[name])
    data[place] ^= 1 << bit
    return files() | {name: bytes(data)}


def caught(given):
    """Return whether digests or the manifest's own form give a change away."""
    try:
        return list(changed(given)) != []
    except GoldenFormatError:
        return True


@pytest.mark.long
def test_the_committed_folder_is_clean(capsys):
    assert run(["golden", "lint", "--dir", str(GOLDEN), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"clean": True, "files": len(files()), "problems": []}
    assert sum(map(len, files().values())) < 20_000_000


@pytest.mark.long
def test_flipped_bits_are_caught_in_every_file():
    """In one file after another, here for all at once: the first bit, the last, and one drawn."""
    names = sorted(set(files()) - {MANIFEST})
    for which in range(3):
        given = dict(files())
        for n, name in enumerate(names):
            size, drawn = len(files()[name]), words(n, 1).tolist()[0]
            place, bit = ((0, 0), (size - 1, 7), (drawn % size, drawn >> 40 & 7))[which]
            given[name] = with_bit_flipped(name, place, bit)[name]
        assert [line.split(":")[0] for line in changed(given)] == [*names, FROZEN]


@pytest.mark.long
def test_a_flipped_bit_of_the_manifest_is_caught_wherever_it_is():
    honest = manifest({name: data for name, data in files().items() if name != MANIFEST})
    data = files()[MANIFEST]
    assert data == honest
    for drawn in words(1, 50).tolist():
        flipped = with_bit_flipped(MANIFEST, drawn % len(data), drawn >> 40 & 7)
        assert flipped[MANIFEST] != honest  # what `lint` compares
    count = data.replace(b'"NibbleOrder": ', b'"NibbleOrder": 1', 1)
    assert [p.split(":")[0] for p in _derived(files() | {MANIFEST: count})] == [MANIFEST]


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SMALL)
def test_every_bit_of_small_files_is_caught(name):
    want = json.loads(files()[MANIFEST])["files"][name]["sha256"]
    data = bytearray(files()[name])
    for place in range(len(data)):
        for bit in range(8):
            data[place] ^= 1 << bit
            assert digest(bytes(data)) != want
            data[place] ^= 1 << bit
    assert digest(bytes(data)) == want


@pytest.mark.exhaustive
def test_a_bit_of_every_16th_byte_of_the_manifest_is_caught():
    """It is no manifest any more, or says something else than its files give."""
    honest = files()[MANIFEST]
    for place, drawn in list(enumerate(words(2, len(honest)).tolist()))[::16]:
        flipped = with_bit_flipped(MANIFEST, place, drawn & 7)[MANIFEST]
        try:
            assert read_manifest(flipped) != read_manifest(honest)
        except GoldenFormatError:
            continue


@pytest.mark.exhaustive
def test_lint_and_verify_catch_a_drawn_bit_of_every_file():
    """Lint for one file in 16: it reads all of them each time."""
    for n, name in enumerate(sorted(files())):
        drawn = words(1000 + n, 1).tolist()[0]
        given = with_bit_flipped(name, drawn % len(files()[name]), drawn >> 40 & 7)
        assert n % 16 or lint(given) != [], name
        if name not in (MANIFEST, FROZEN):
            try:
                assert verify(given, "numpy", only=name, steps=1).failures
            except FosError:
                assert name == MANIFEST


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["v1/4over6/worked.json", "v1/bulk/nvfp4.npz", INPUTS, CHAINS])
def test_a_change_with_honest_digests_is_still_caught(name):
    """A flipped bit of what is expected, with manifest and list renewed: the form or the bits show it."""
    data = files()[name]
    if name.endswith(".npz"):
        changed_data = data[:-2000] + bytes([data[-2000] ^ 1]) + data[-1999:]
    else:
        place = data.index(b'"sha256": "' if name == CHAINS else b'"codes": [') + 20
        changed_data = data[:place] + data[place:].replace(b"8", b"9", 1)
    given = files() | {name: changed_data}
    given[FROZEN] = frozen(given)
    listed = json.loads(given[MANIFEST])
    for n in (name, FROZEN):
        listed["files"][n]["sha256"] = digest(given[n])
    given[MANIFEST] = canonical(listed)
    assert list(changed(given)) == []
    only = "v1/bulk/te-mse-256.npz" if name == INPUTS else name
    try:
        assert verify(given, "numpy", only=only, steps=1).failures
    except GoldenFormatError:
        assert name in (INPUTS, "v1/bulk/nvfp4.npz")  # the zip's own checksum


def test_the_frozen_list_is_checked_by_sha256sum_s_form():
    lines = files()[FROZEN].decode().splitlines()
    assert [line[64:66] for line in lines] == ["  "] * len(lines)
    names = [line[66:] for line in lines]
    assert names == sorted(n for n in files() if n.startswith("v1/"))
    check_frozen(files()[FROZEN], files())


def test_a_file_of_a_frozen_version_cannot_be_written_anew():
    other = {"v1/layout.json": files()[LAYOUT] + b" ", "v1/new.json": b"new"}
    with pytest.raises(GoldenFormatError, match=r"v1/layout\.json would change: its bits are frozen"):
        check_frozen(files()[FROZEN], other)
    check_frozen(files()[FROZEN], {"v1/new.json": b"new"})
    check_frozen(b"", other)


def test_the_readme_names_the_digest_of_the_frozen_list():
    (row,) = [line for line in (GOLDEN / README).read_text().splitlines() if line.startswith("| v1 | ")]
    count, digest = row.split(" | ")[1:3]
    assert int(count) == len(files()[FROZEN].splitlines())
    assert hashlib.sha256(files()[FROZEN]).hexdigest().startswith(digest)
    assert len(digest) == 16


PROBLEMS = {
    "no file of this name belongs here": lambda f: f | {"v1/notes.txt": b"x"},
    "v1/4over6/zeros.json: missing": lambda f: {n: d for n, d in f.items() if "4over6/zeros" not in n},
    "golden write": lambda f: f | {SCHEMA: f[SCHEMA].replace(b'"maximum": 64', b'"maximum": 65')},
    "not JSON": lambda f: f | {"v1/4over6/zeros.json": b"{"},
    "is not their file": lambda f: f | {"v1/4over6/zeros.json": f["v1/nvfp4/zeros.json"]},
    "additional": lambda f: f | {"v1/4over6/zeros.json": with_field(f["v1/4over6/zeros.json"])},
    "v1/layout.json: missing": lambda f: {n: d for n, d in f.items() if n != LAYOUT},
}


def with_field(data):
    document = json.loads(data)
    document["vectors"][0]["additional"] = 1
    return canonical(document)


@pytest.mark.long
@pytest.mark.parametrize("problem", PROBLEMS)
def test_lint_says_what_is_wrong(problem):
    """In a part of the folder, whose missing rest is another problem."""
    part = {n: d for n, d in files().items() if n.count("/") < 2 or n.endswith(("/zeros.json", INPUTS))}
    found = lint(PROBLEMS[problem](part))
    assert any(problem in line for line in found), found


def test_lint_exits_1_and_an_empty_folder_is_an_error(tmp_path, capsys):
    assert run(["golden", "lint", "--dir", str(tmp_path)]) == 2
    for name in (MANIFEST, README):
        (tmp_path / name).write_bytes(files()[name])
    assert run(["golden", "lint", "--dir", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no MANIFEST.json here" in shown.err
    assert f"{SCHEMA}: missing" in shown.err


def test_inputs_of_bulk_sets_are_data():
    """The bits that are stored are used, so that a changed generator would not go unseen."""
    with np.load(ROOT / "golden" / INPUTS) as z:
        assert sorted(z.files) == sorted(i["name"] for i in json.loads(files()["v1/bulk.json"])["inputs"])
