"""Which weights a runtime joins into one matrix product: they must share one tensor scale.

vLLM (packed_modules_mapping), SGLang and TensorRT-LLM load the members of a row below as one matrix with one
tensor scale. Where the members were quantized with different ones, all but one of them decode wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: The last parts of module names that are joined, in the order in which the rows of the joined matrix lie.
FUSED: tuple[tuple[str, ...], ...] = (
    ("q_proj", "k_proj", "v_proj"),
    ("gate_proj", "up_proj"),
    ("w1", "w3"),
    ("wq", "wk", "wv"),
    ("to_q", "to_k", "to_v"),
    ("add_q_proj", "add_k_proj", "add_v_proj"),
    ("q_a_proj", "kv_a_proj_with_mqa"),
    ("in_proj_qkv", "in_proj_z"),
    ("in_proj_b", "in_proj_a"),
    ("ffn_gate", "ffn_up"),
    ("ffn_gate_exps", "ffn_up_exps"),
    ("attn_q", "attn_k", "attn_v"),
)
_ROW_OF = {member: row for row in FUSED for member in row}
#: X.member, X.member.weight, X.member[3] and X.member.weight[3]; what is not the member names the group.
_NAME = re.compile(
    rf"(?P<before>(?:.*\.)?)(?P<member>{'|'.join(map(re.escape, _ROW_OF))})"
    r"(?P<after>(?:\.weight)?(?:\[\d+\])*)",
    re.DOTALL,
)
#: w13_weight[expert][half]: the two halves of one stacked tensor.
_HALF = re.compile(r"(?P<whole>.*)\[[01]\]", re.DOTALL)


def fused_groups(weights: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of at least two of `weights` that runtimes join, members in the joined order."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name in weights:
        m = _NAME.fullmatch(name)
        if m:
            row = _ROW_OF[m["member"]]
            found.setdefault((m["before"], row[0], m["after"]), {})[m["member"]] = name
    groups = []
    for (_, first, _), members in found.items():
        if len(members) > 1:
            groups.append(tuple(members[k] for k in _ROW_OF[first] if k in members))
    return groups


def halves(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the pairs X[e][0], X[e][1]: the gate and up halves of an expert, one tensor scale each."""
    pairs: dict[str, list[str]] = {}
    for name in names:
        m = _HALF.fullmatch(name)
        if m and m["whole"].endswith("]"):
            pairs.setdefault(m["whole"], []).append(name)
    return [tuple(sorted(pair)) for pair in pairs.values() if len(pair) == len("01")]
