"""The Markdown of docs/status.md: per preset, what it was compared with and with what result."""

from __future__ import annotations

from collections.abc import Iterable

from fos_ref.dialects.evidence import CLASSES, Comparison, Known, Status
from fos_ref.report.tables import literal, markdown, prose, sections, word

COMMAND = "fos evidence --write docs/status.md"
_INTRO = (
    f"Written by `{COMMAND}` from `reports/evidence-peers.json`; not edited by hand. The peers' suite "
    "(`tests/differential`) writes that file: it quantizes the same inputs by our preset and by the peer's "
    "own program and compares every byte of the codes and of the block scales."
)
_COMMIT = 40  #: hex digits of a commit
_SHORT = 12
_ALPHABET = 26


def status_markdown(s: Status) -> bytes:
    """Return docs/status.md."""
    ran = [(k, k.comparison) for k in s.presets if k.comparison is not None]
    families = _labels(c.families for _, c in ran)
    parts = [
        "# What is known of each preset, and how",
        _INTRO,
        _classes(s),
        *_problem_section(s.problems),
        "## By peer",
        _by_peer(ran),
        "## Compared with the peer's own program",
        _note(s),
        _compared(ran, families),
        *(f"**{label}**: {word(', '.join(names))}." for names, label in families.items()),
        *_left_out(ran),
        *_conversions(s),
        *_judged(s),
        *_not_run(s),
        "## Read, not run",
        _by_source(k for k in s.presets if k.evidence == "read" and k.comparison is None),
        "## Our own",
        _by_source(k for k in s.presets if k.evidence == "own"),
    ]
    return sections(parts)


def _note(s: Status) -> str:
    versions = ", ".join(f"{word(name)} {word(version)}" for name, version in s.versions.items())
    return (
        "picked4 is compared where the peer tells which candidate it kept. Where the class is `read` beside "
        "figures, the comparison needs a checkout of the peer and is not part of CI "
        f"(`tests/differential/README.md`). Versions: {versions}."
    )


def _classes(s: Status) -> str:
    counts = {name: sum(k.evidence == name for k in s.presets) for name in CLASSES}
    rows = [[f"`{name}`", str(counts[name]), meaning] for name, meaning in CLASSES.items()]
    return prose([["class", "presets", "meaning"], *rows])


def _problem_section(problems: tuple[str, ...]) -> list[str]:
    if not problems:
        return ["No preset claims more than the comparisons show."]
    return ["## Claims that nothing backs", "\n".join(f"- {word(p)}" for p in problems)]


def _by_peer(ran: list[tuple[Known, Comparison]]) -> str:
    peers: dict[tuple[str, str], list[Comparison]] = {}
    for _, c in ran:
        peers.setdefault((c.peer, c.version), []).append(c)
    return markdown(
        [
            ["peer and version", "presets", "blocks", "differing bytes"],
            *(
                [
                    word(f"{peer} {short(version)}"),
                    str(len(cs)),
                    f"{sum(c.blocks for c in cs):,}",
                    f"{sum(c.differing for c in cs):,}",
                ]
                for (peer, version), cs in sorted(peers.items())
            ),
        ]
    )


def _compared(ran: list[tuple[Known, Comparison]], families: dict[tuple[str, ...], str]) -> str:
    header = [
        "preset",
        "class",
        "peer",
        "blocks",
        "differing: codes",
        "block scales",
        "picked4",
        "inputs",
        "dtypes",
    ]
    return markdown(
        [
            header,
            *(
                [
                    f"`{k.preset}`",
                    k.evidence,
                    word(f"{c.peer} {short(c.version)}"),
                    f"{c.blocks:,}",
                    *(count(c.differing_bytes.get(f)) for f in ("codes", "block_scales", "picked4")),
                    families[c.families],
                    word(", ".join(c.dtypes)),
                ]
                for k, c in ran
            ),
        ]
    )


def short(version: str) -> str:
    """Return a version; a commit to its first 12 digits."""
    return version[:_SHORT] if len(version) == _COMMIT else version


def count(n: int | None) -> str:
    """Return a count, "-" where nothing was compared."""
    return "-" if n is None else f"{n:,}"


def _labels(families: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Return a short label for each set of input families."""
    return {names: f"inputs {_letters(i)}" for i, names in enumerate(dict.fromkeys(families))}


def _letters(n: int) -> str:
    """Return A, B, ..., Z, AA, AB, ... for 0, 1, ..."""
    before, last = divmod(n, _ALPHABET)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def _left_out(ran: list[tuple[Known, Comparison]]) -> list[str]:
    rows = [
        [f"`{k.preset}`", f"{c.left_out:,}", word(c.left_out_because or "-")] for k, c in ran if c.left_out
    ]
    if not rows:
        return []
    intro = "Blocks set aside, because the peer's release is not the commit that the preset states:"
    return [intro, prose([["preset", "blocks", "why"], *rows])]


def _conversions(s: Status) -> list[str]:
    if not s.conversions:
        return []
    rows = [
        [
            word(name),
            ", ".join(f"{word(k.replace('_', ' '))}: {_plain(v)}" for k, v in sorted(counts.items())),
        ]
        for name, counts in sorted(s.conversions.items())
    ]
    return [
        "## Formats compared with other libraries' conversions",
        prose([["library: format", "result"], *rows]),
    ]


def _judged(s: Status) -> list[str]:
    intro = (
        "Each file is the peer's, references and assertions untouched; `cuda` is read as `cpu`, and the "
        "presets answer in the kernels' place (`tests/differential/judges`)."
    )
    header = ["repository and file", "presets", "cases", "passed", "failed", "skipped by the file", "on"]
    rows = [
        [
            f"{j.repository}@{short(j.commit)}:{j.file}",
            f"`{j.presets}`",
            j.cases,
            *(f"{n:,}" for n in (j.passed, j.failed, j.skipped)),
            j.date,
        ]
        for j in s.judged
    ]
    return ["## The peers' own test files", intro, prose([header, *rows])]


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else word(str(value))


def _not_run(s: Status) -> list[str]:
    if not s.not_run:
        return []
    return [
        "## Not run",
        prose([["peer", "why"], *([word(name), literal(why)] for name, why in sorted(s.not_run.items()))]),
    ]


def _by_source(presets: Iterable[Known]) -> str:
    """Return the presets of each source on one row."""
    groups: dict[str, list[str]] = {}
    for k in presets:
        groups.setdefault(k.source, []).append(f"`{k.preset}`")
    return prose([["source", "presets"], *([source, " ".join(names)] for source, names in groups.items())])


__all__ = ["COMMAND", "count", "short", "status_markdown"]
