"""What `fos inspect` prints: the findings, the counts, the dialects that were compared, and notes."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table

from fos_ref.errors.text import shown
from fos_ref.inspect.findings import counts_of, zero_block_bytes
from fos_ref.inspect.report import Inspection
from fos_ref.report.console import apart, plain, table, titled

_UNTOLD = "-"
_NOTES = 20  #: of one kind


def show(console: Console, found: Inspection) -> None:
    """Print what was found."""
    parts: list[RenderableType] = [_findings(found), _counts(found)]
    if found.ranked:
        parts.append(_dialects(found))
    if notes := _notes(found):
        parts.append(Group(*map(plain, notes)))
    console.print(apart(*parts))


def _findings(found: Inspection) -> Group:
    made = table(("property", "found", "seen"))
    for name, f in found.findings.items():
        made.add_row(name.replace("_", " "), plain(f.value or _UNTOLD), plain(f.evidence))
    return titled(shown(found.path), made)


def _counts(found: Inspection) -> Table:
    made = table(("count",), ("",))
    share = found.rule.share4
    counts = {"weights": len(found.weights), **counts_of(found.tally), "other tensors": found.others}
    for name, n in counts.items():
        made.add_row(name.replace("_", " "), f"{n:,}")
    made.add_row("share of blocks at 4", _UNTOLD if share is None else f"{share:.2%}")
    for byte, n in zero_block_bytes(found.tally).items():
        made.add_row(f"zero blocks with scale byte {byte}", f"{n:,}")
    return made


def _dialects(found: Inspection) -> Group:
    made = table(("presets",), ("equal blocks", "of", "share"))
    for c in found.shown:
        dropped = " (dropped)" if c.dropped else ""
        made.add_row(plain(", ".join(c.names)), f"{c.equal:,}", f"{c.blocks:,}{dropped}", f"{c.share:.4%}")
    return titled("the original quantized anew", made)


def _first(notes: list[str]) -> list[str]:
    """Return the first notes of one kind, and how many there are besides."""
    rest = len(notes) - _NOTES
    return [*notes[:_NOTES], f"and {rest:,} more; --json lists all"] if rest > 0 else notes


def _notes(found: Inspection) -> list[str]:
    """Return what else has to be known."""
    notes = _first([f"not read: {shown(name)}: {why}" for name, why in found.unread.items()])
    notes += _first([f"not compared: {shown(name)}: {why}" for name, why in found.not_compared.items()])
    notes += _first([f"tensor scale of no amax in the original: {shown(name)}" for name in found.derived])
    if isinstance(found.manifest, str):
        notes.append(f"manifest not usable: {found.manifest}")
    elif found.manifest is not None:
        said = {
            None: "not tried: --against ORIGINAL does",
            True: "the bytes are its",
            False: "the bytes are NOT its",
        }
        notes.append(f"manifest: recipe {found.manifest.recipe.name}: {said[found.manifest_holds]}")
    return notes
