"""The last line of `fos recipes diff`: the smallest change of settings after which both sides agree."""

from __future__ import annotations

from typing import Any

from fos_ref.dialects.agree import Advice, Side


def advice_values(v: Advice) -> dict[str, Any]:
    """Return an advice as JSON values, the line included."""
    counts = {"blocks": v.blocks, "differing": v.differing, "hardware_decides": v.undecided}
    return {
        "agree": v.agree,
        "a": _side_values(v.a),
        "b": _side_values(v.b),
        "remaining_axes": v.remaining,
        "values_differ": v.values_differ,
        **counts,
        "line": advice_line(v),
    }


def _side_values(side: Side) -> dict[str, Any]:
    program = side.program
    return {
        "recipe": side.recipe.name,
        "program": None if program is None else program.name,
        "settings_are": None if program is None else program.how,
        "source": None if program is None else program.source,
        "change": {name: {"now": old, "set": new} for name, (old, new) in side.change.items()},
    }


def advice_line(v: Advice) -> str:
    """Return the advice in one line."""
    pair = f"{v.a.recipe.name} and {v.b.recipe.name}"
    if v.agree:
        how = f"to agree, set {_changes(v)}" if v.changes else "no setting needs to change"
        return f"{how}: {pair} {_agreeing(v)}{_remaining(v)}"
    nearest = f"the nearest is {pair} (set {_changes(v)})" if v.changes else f"nothing is nearer than {pair}"
    counted = "" if v.blocks is None else f", which {_counts(v)}"
    return f"{_none(v)}; {nearest}{counted}; axes that remain: {', '.join(v.remaining) or 'none'}"


def _none(v: Advice) -> str:
    names = list(dict.fromkeys(s.program.name for s in (v.a, v.b) if s.program is not None))
    without = [s.recipe.name for s in (v.a, v.b) if s.program is None]
    known = f" (none is known for {' and '.join(without)})" if without else ""
    whose = f" of {' or '.join(names)}" if names else ""
    return f"no setting{whose} makes them agree{' in every axis' * (v.blocks is None)}{known}"


def _changes(v: Advice) -> str:
    parts = []
    for side in (v.a, v.b):
        if side.change and side.program is not None:
            about = {s.name: s.about for s in side.program.settings}
            texts = [_change(name, *change, about[name]) for name, change in side.change.items()]
            parts.append(f"{' '.join(texts)} in {side.program.name}")
    return ", and ".join(parts)


def _change(name: str, old: str | None, new: str, about: str) -> str:
    was = "" if old is None else f"now {old}"
    notes = ", ".join(note for note in (was, f"for {about}" * bool(about)) if note)
    return f"{name}={new}{f' ({notes})' * bool(notes)}"


def _agreeing(v: Advice) -> str:
    if v.blocks is None:
        return "have the same bytes on every tensor"
    return f"differ in none of {v.blocks:,} blocks, and no chip decides one"


def _counts(v: Advice) -> str:
    decided = f", and a chip decides up to {v.undecided:,}" if v.undecided else ""
    return f"differ in {v.differing:,} of {v.blocks:,} blocks{decided}"


def _remaining(v: Advice) -> str:
    values = "; values still differ by dequantize" if v.values_differ else ""
    axes = f"; on other data they may part by {', '.join(v.remaining)}" if v.remaining else ""
    return axes + values
