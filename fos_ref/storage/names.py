"""Which quantized weights a file holds, told from the names of its tensors alone."""

from __future__ import annotations

import re
from collections.abc import Collection

from fos_ref.errors import CheckpointError
from fos_ref.storage.conventions import Convention, CONVENTIONS, MX_CONVENTIONS

_ALL = (*CONVENTIONS.values(), *MX_CONVENTIONS.values())
_EXPERT = re.compile(r"(?P<stack>.+)\[(?P<index>0|[1-9][0-9]{0,8})\]", re.DOTALL)


def expert_name(stack: str, index: int) -> str:
    """Return the name of one expert of a stack."""
    return f"{stack}[{index}]"


def as_expert(name: str) -> tuple[str, int] | None:
    """Return (stack, index) of the name of an expert; None for another name."""
    m = _EXPERT.fullmatch(name)
    return (m["stack"], int(m["index"])) if m else None


def detect(names: Collection[str]) -> Convention:
    """Return the convention whose tensors occur among `names`; CheckpointError for none or several."""
    found = [c for c in _ALL if weights_in(names, c)]
    if len(found) != 1:
        what = "both conventions' tensors" if found else "no quantized weight"
        rules = "; ".join(f"{c.name}: {', '.join(c.names('X.weight'))}" for c in _ALL)
        msg = f"the file holds {what}: exactly one of these is allowed: {rules}"
        raise CheckpointError(msg)
    return found[0]


def weights_in(names: Collection[str], c: Convention) -> list[str]:
    """Return the parameters that `names` holds in convention `c`, in order: matrices and stacks."""
    there, found = set(names), dict[str, None]()
    named, bare = c.tensor_scale or c.block_scale, c.bare[2] or c.bare[1]
    for name in names:
        for end, weight in ((named.removeprefix("."), "weight"), (bare, "")):
            if name.endswith(end) and _whole(p := name.removesuffix(end) + weight, c, there):
                found[p] = None
    return list(found)


def _whole(weight: str, c: Convention, there: Collection[str]) -> bool:
    """Return whether all parts of a weight are there, and none of another convention's for the same codes."""
    parts = c.names(weight)
    others = [o.names(weight) for o in _ALL if len(o.names(weight)) > len(parts)]
    return all(p in there for p in parts) and not any(
        set(parts) < set(o) and all(p in there for p in o) for o in others
    )
