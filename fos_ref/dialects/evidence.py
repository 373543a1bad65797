"""What each preset claims to be known by, beside what was compared with the peers' own programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fos_ref.dialects.evidence_form import checker, FORMAT
from fos_ref.dialects.judges import JUDGED, Judged
from fos_ref.errors import InputError
from fos_ref.outside.json import read_json_file
from fos_ref.recipes.catalog import PRESETS, STOCHASTIC
from fos_ref.recipes.recipe import Recipe

RAN = "ran"
CLASSES = {
    RAN: "CI runs the peer's own program beside the preset and compares byte by byte",
    "read": "the peer's source was read; CI does not run its program",
    "own": "this package's own statement; there is no peer",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a run of the peers' suite compared for one preset."""

    peer: str
    version: str
    blocks: int
    left_out: int  #: blocks set aside because the peer's release is not the commit that the preset states
    left_out_because: str | None
    differing_bytes: dict[str, int | None]  #: per output; None where the peer does not tell
    families: tuple[str, ...]
    dtypes: tuple[str, ...]
    of_this_recipe: bool  #: the fingerprint is the preset's of today

    @property
    def differing(self) -> int:
        """All differing bytes."""
        return sum(n or 0 for n in self.differing_bytes.values())


@dataclass(frozen=True, slots=True)
class Known:
    """One preset: what it claims, and the comparison behind it if there is one."""

    preset: str
    evidence: str
    source: str
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Status:
    """Every preset, what else was compared, what was not run, and claims that nothing backs."""

    presets: tuple[Known, ...]
    conversions: Mapping[str, Mapping[str, Any]]  #: "peer: format" -> counts
    not_run: Mapping[str, str]
    versions: Mapping[str, str]
    problems: tuple[str, ...]
    judged: tuple[Judged, ...] = JUDGED  #: by the peers' own test files


def read_status(path: Path) -> Status:
    """Return the status of every preset from the file that the peers' suite writes.

    Raises: InputError where the file is missing or is not such a file.
    """
    data = _load(path)
    presets = tuple(_known(r, data["presets"].get(r.name)) for r in _distinct())
    return Status(
        presets=presets,
        conversions=data.get("conversions", {}),
        not_run=data["not_run"],
        versions=data["versions"],
        problems=tuple(_problems(presets, list(data["presets"]))),
    )


def _load(path: Path) -> dict[str, Any]:
    from fos_ref.outside.form import problem  # noqa: PLC0415 -- `fos --help` needs no jsonschema

    try:
        data = read_json_file(path)
    except FileNotFoundError as e:
        msg = f"{path}: not there. Run in the repository, whose reports/ holds it, or name it with --from"
        raise InputError(msg) from e
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        msg = f"{path}: a JSON object with format {FORMAT} is allowed"
        raise InputError(msg)
    wrong = problem(checker(), data)
    if wrong is not None:
        msg = f"{path}: not evidence of the peers' suite: {wrong}"
        raise InputError(msg)
    return data


def _distinct() -> list[Recipe]:
    """Return every preset once, second names left out."""
    return list(dict.fromkeys((*PRESETS.values(), *STOCHASTIC.values())))


def _known(r: Recipe, entry: dict[str, Any] | None) -> Known:
    return Known(r.name, r.evidence, r.source, None if entry is None else _comparison(r, entry))


def _comparison(r: Recipe, entry: dict[str, Any]) -> Comparison:
    return Comparison(
        peer=entry["peer"],
        version=entry["version"],
        blocks=entry["blocks"],
        left_out=entry.get("blocks_left_out", 0),
        left_out_because=entry.get("left_out_because"),
        differing_bytes=dict(entry["differing_bytes"]),
        families=tuple(entry["families"]),
        dtypes=tuple(entry["dtypes"]),
        of_this_recipe=entry["fingerprint"] == r.fingerprint(),
    )


def _problems(presets: tuple[Known, ...], compared: list[str]) -> list[str]:
    """Return what the presets claim and the comparisons do not show."""
    unknown = sorted(set(compared) - {k.preset for k in presets})
    found = [f"{name}: was compared, but no preset is called so" for name in unknown]
    for k in presets:
        c = k.comparison
        if c is None:
            found += [f"{k.preset}: claims ran, but was not compared"] if k.evidence == RAN else []
            continue
        if c.blocks == 0:
            found.append(f"{k.preset}: 0 blocks were compared")
        if c.differing:
            found.append(f"{k.preset}: {c.differing:,} bytes differ from {c.peer} {c.version}")
        if not c.of_this_recipe:
            found.append(f"{k.preset}: compared was another recipe of that name (its fingerprint differs)")
    return found
