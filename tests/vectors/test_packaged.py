"""The vectors that came with the program are read where no folder is named, from any working directory."""

from __future__ import annotations

import shutil
import tomllib

import pytest

from fos_ref import cli
from fos_ref.errors import InputError
from fos_ref.vectors.packaged import named_or_packaged, packaged
from tests.export.exported import files
from tests.meta.tree import ROOT

EXPORT = ["golden", "export", "--format", "json", "--recipe", "4over6-absmax", "-o", "out"]


def test_a_wheel_takes_the_golden_folder_into_the_package():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "golden" in wheel["only-include"]
    assert wheel["sources"] == {"golden": "fos_ref/golden"}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """As in a wheel: the vectors lie in the package, and no checkout is around."""
    package = tmp_path / "site" / "fos_ref"
    package.mkdir(parents=True)
    monkeypatch.setattr("fos_ref.vectors.packaged.PACKAGE", package)
    monkeypatch.chdir(tmp_path)
    return package / "golden"


@pytest.mark.long
def test_an_installed_program_exports_its_own_vectors(installed, capsys):
    shutil.copytree(ROOT / "golden", installed)
    assert cli.run(EXPORT) == 0
    assert "made of the vectors that came with fos-ref " in capsys.readouterr().out
    assert cli.run([*EXPORT[:-1], "again", "--dir", str(ROOT / "golden")]) == 0
    assert "came with" not in capsys.readouterr().out
    names = sorted(p.name for p in (installed.parents[2] / "out").iterdir())
    for name in names:
        first, second = (installed.parents[2] / folder / name for folder in ("out", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_a_checkout_has_them_beside_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert packaged() == ROOT / "golden"
    folder, found = named_or_packaged(None)
    assert (folder, found) == (ROOT / "golden", files())


def test_a_folder_here_comes_first_and_one_that_is_named_before_it(installed, tmp_path):
    shutil.copytree(ROOT / "golden", installed)
    (tmp_path / "golden").symlink_to(ROOT / "golden")
    assert str(named_or_packaged(None)[0]) == "golden"
    with pytest.raises(InputError, match=r"no MANIFEST\.json here"):
        named_or_packaged(tmp_path / "site")


def test_without_any_the_message_says_what_is_allowed(installed, capsys):
    assert not installed.exists()
    assert cli.run(EXPORT) == 2
    assert "golden: no MANIFEST.json here: a folder that `fos golden write` wrote" in capsys.readouterr().err
