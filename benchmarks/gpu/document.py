"""The figures as Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.document import number, spread, table

Row = dict[str, Any]


def markdown(data: Row) -> str:
    """Return the whole document."""
    parts = [_head(data), *(f(data[n]) for n, f in PARTS.items() if n in data)]
    parts += [f"FAILED: {name}: {why}" for name, why in data.get("failed", {}).items()]
    return "\n\n".join(p for p in parts if p) + "\n"


def _head(data: Row) -> str:
    facts = "; ".join(f"{k}: {v}" for k, v in data["ran_on"].items())
    return f"# The GPU path: one run on one card\n\n{facts}. Events around launches, medians (least to most)."


def _kernels(s: Row) -> str:
    rows, cols = s["shape"]
    lines = table(
        ("recipe", "dtype", "path", "ms", "share of copy", "choices counted", "differing bytes"),
        [
            (
                f"`{r['recipe']}`",
                r["dtype"],
                r["path"],
                spread(r["milliseconds"]),
                number(r["share_of_copy"]["median"], 3),
                number(r["share_of_copy_with_choices"]["median"], 3),
                _bits(r),
            )
            for r in s["rows"]
        ],
    )
    copies = "; ".join(f"{spread(c['gigabytes_per_second'])} GB/s in {c['dtype']}" for c in s["copy"])
    return (
        f"## Kernels, amax given: {rows} x {cols} normal values, {s['rounds']} rounds\n\n"
        f"The copy of the tensor reaches {copies}, read and written bytes counted. The share counts the "
        "bytes that have to move: the input, codes and block scales; then the choices' bytes too, which the "
        "kernels write. Differing bytes: from the kernel word for word on all blocks, from the model on "
        f"some.\n\n{lines}"
    )


def _bits(r: Row) -> str:
    if "blocks" not in r:
        return ""
    literal = f"{r['differing_bytes_from_literal']} of {r['blocks']:,} blocks"
    return f"{literal}; {r['differing_bytes_from_model']} of {r['blocks_of_model']:,}"


def _whole(s: Row) -> str:
    ours = table(
        ("recipe", "ms", "Gvalues/s", "share of copy, two readings"),
        [
            (
                f"`{r['recipe']}`",
                spread(r["milliseconds"]),
                r["gigavalues_per_second"],
                number(r["share_of_copy_as_read"]["median"], 3),
            )
            for r in s["rows"]
        ],
    )
    peers = table(
        (
            "peer",
            "ms",
            "times as long as ours",
            "blocks",
            "code bytes that differ",
            "block scales that differ",
        ),
        [
            (
                p["peer"],
                spread(p["milliseconds"]),
                f"{spread(p['times_as_long_as_ours'])}, `{p['beside']}`",
                f"{p['blocks']:,}",
                p["differing_code_bytes"],
                p["differing_block_scales"],
            )
            for p in s["peers"]
        ],
    )
    tables = [t for t, rows in ((ours, s["rows"]), (peers, s["peers"])) if rows]
    return "\n\n".join(["## Amax included, bfloat16: the public call", *tables, *_not_run(s)])


def _small(s: Row) -> str:
    lines = [
        (
            " x ".join(map(str, c["shape"])),
            form,
            c["microseconds_to_start"][form],
            c["microseconds_until_done"][form],
        )
        for c in s["calls"]
        for form in c["microseconds_to_start"]
    ]
    parts = ["## Small tensors and graphs"]
    if lines:
        parts.append(table(("shape", "call", "us to start", "us until done"), lines))
    if "graph" in s:
        g = s["graph"]
        parts.append(
            f"A graph of amax and quantize of {g['shape'][0]} x {g['shape'][1]}, a tensor's share: "
            + "; ".join(
                f"{what} {spread(g[n]['milliseconds'])} ms, {g[n]['of_its_bytes_time']} of its bytes' time"
                for n, what in (("cold", "from memory"), ("warm", "the tensor in the L2"))
            )
            + (
                ". The same bytes as without a graph."
                if g["same_bytes_as_without"]
                else ". THE BYTES DIFFER."
            )
        )
    return "\n\n".join([*parts, *_not_run(s)])


def _launches(s: Row) -> str:
    head = (
        "recipe",
        "shape",
        "launches",
        "us, one launch",
        "of its bytes' time",
        "us, more",
        "of its bytes' time",
    )
    lines = [
        (
            f"`{r['recipe']}`",
            " x ".join(map(str, r["shape"])),
            r["launches"]["more launches"],
            *_way(r, "one launch"),
            *_way(r, "more launches"),
            r["differing bytes"],
        )
        for r in s["rows"]
    ]
    parts = ["## Prepared calls in a graph: amax and codes, bfloat16"]
    parts += [table((*head, "differing bytes"), lines)] if lines else []
    return "\n\n".join([*parts, *_not_run(s)])


def _way(r: Row, way: str) -> tuple[str, str]:
    """Return a call's microseconds and its share of its bytes' time; "-" where it has no such launch."""
    if way not in r["microseconds"]:
        return "-", "-"
    return spread(r["microseconds"][way]), number(r[f"of its bytes' time, {way}"], 3)


def _not_run(s: Row) -> list[str]:
    return [f"Not run: {name}: {why}" for name, why in s["not_run"].items()]


PARTS = {"kernels": _kernels, "whole": _whole, "small": _small, "launches": _launches}
