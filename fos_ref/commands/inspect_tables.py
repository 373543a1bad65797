"""What `fos inspect` prints: the findings, the counts, the dialects that were compared, and notes."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table

from fos_ref.errors.text import listed, shown
from fos_ref.inspect.report import Inspection
from fos_ref.inspect.weight import WeightFound
from fos_ref.report.console import apart, named, plain, table, titled

_UNTOLD = "-"
_NOTES = 20  #: of one kind
_WORST = 5
_BYTES = 4  #: scale bytes of blocks of zeros
_MEBI = 1 << 20


def show(console: Console, found: Inspection) -> None:
    """Print what was found."""
    parts: list[RenderableType] = [_findings(found), _counts(found)]
    if found.others:
        parts.append(_others(found))
    if found.ranked:
        parts.append(_dialects(found))
    if found.against is not None:
        parts.append(_worst(found))
    if found.problems:
        parts.append(_problems(found))
    if notes := _notes(found):
        parts.append(Group(*map(plain, notes)))
    console.print(apart(*parts))


def _problems(found: Inspection) -> Group:
    made = table(("problem", "weights", "what"))
    for p in found.problems[:_NOTES]:
        made.add_row(p.problem, f"{len(p.weights):,}", plain(p.what))
    rest = len(found.problems) - _NOTES
    if rest > 0:
        made.add_row("", "", f"and {rest:,} more; --json lists all")
    return titled("problems", made)


def _worst(found: Inspection) -> Group:
    """Show the weights of which the least is equal."""
    made = table(("weight", "reading"), ("equal blocks", "of", "off the original"))

    def rank(w: WeightFound) -> tuple[float, float]:
        error = w.compared.error if w.compared is not None else None
        return (w.equal / w.blocks, -(error or 0.0))

    compared = sorted((w for w in found.weights if w.blocks), key=rank)
    for w in compared[:_WORST]:
        error = None if w.compared is None else w.compared.error
        off = _UNTOLD if error is None else f"{error:.2%}"
        reading = w.to_dict()["reading"] or "none is close"
        made.add_row(named(w.held.name), plain(reading), f"{w.equal:,}", f"{w.blocks:,}", off)
    looked, of = found.looked_at
    title = f"weights, the worst of {len(compared):,} first; {looked:,} of {of:,} blocks were compared"
    return titled(title, made)


def _others(found: Inspection) -> Group:
    made = table(("other tensors", "dtype", "names"), ("tensors", "MiB"))
    for o in found.others:
        names = listed(o.names) if o.tensors == len(o.names) else f"{listed(o.names)}, ..."
        made.add_row(o.what, o.dtype, plain(names), f"{o.tensors:,}", f"{o.nbytes / _MEBI:.2f}")
    return titled("besides", made)


def _findings(found: Inspection) -> Group:
    made = table(("property", "found", "seen"))
    for name, f in found.findings.items():
        made.add_row(name.replace("_", " "), plain(f.value or _UNTOLD), plain(f.evidence))
    return titled(shown(found.path), made)


def _counts(found: Inspection) -> Table:
    made = table(("count",), ("",))
    share = found.rule.share4
    others = sum(o.tensors for o in found.others)
    counts = {"weights": len(found.weights), **found.counts, "other tensors": others}
    for name, n in counts.items():
        made.add_row(name.replace("_", " "), f"{n:,}")
    made.add_row("share of blocks at 4", _UNTOLD if share is None else f"{share:.2%}")
    usual = sorted(found.zero_block_bytes.items(), key=lambda pair: -pair[1])
    for byte, n in usual[:_BYTES]:
        made.add_row(f"zero blocks with scale byte {byte}", f"{n:,}")
    if rest := sum(n for _, n in usual[_BYTES:]):
        made.add_row("zero blocks with other scale bytes", f"{rest:,}")
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
        equal, compared, blocks = found.manifest_blocks
        some = f"the {equal:,} of {blocks:,} blocks compared are its" if compared else ""
        said = {
            None: some or "not tried: --against ORIGINAL does",
            True: "the bytes are its",
            False: f"the bytes are NOT its ({equal:,} of {blocks:,} blocks are)",
        }
        notes.append(f"manifest: recipe {found.manifest.recipe.name}: {said[found.manifest_holds]}")
    return notes
