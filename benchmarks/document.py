"""What was measured, as Markdown: one table a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.first_call import PARTS
from benchmarks.profile import LITERAL, STEPS, WALK

Row = dict[str, Any]


def markdown(found: Row) -> str:
    """Return the report of whatever was measured."""
    parts = [part(found[name]) for name, part in PARTS_OF.items() if name in found]
    return "\n\n".join([_head(found), *parts]) + "\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table whose first column is text."""
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def spread(s: Row, digits: int = 3) -> str:
    """Return `middle (low .. high)`."""
    middle, low, high = (number(s[k], digits) for k in ("median", "low", "high"))
    return f"{middle} ({low} .. {high})"


def number(value: float, digits: int = 3) -> str:
    """Return a figure in plain decimals."""
    text = f"{float(f'{value:.{digits}g}'):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _head(found: Row) -> str:
    m, load = found["machine"], found["others_share"]
    others = "not known" if load is None else f"{load:.0%} of the cores"
    versions = ", ".join(f"{p} {v}" for p, v in m["packages"].items())
    return (
        "# How fast the compiled engine is\n\n"
        f"Written by `{found['command']}`; all figures are in {found['data']}.\n\n"
        f"{m['processor']} (compiled for {m['compiled for']}), {found['threads']} threads on {m['cores']} "
        f"cores, {m['memory_gib']} GiB, {m['system']}, Python {m['python']}, {versions}. "
        f"Other programs of the system used {others} meanwhile; what the machine around a virtual one took "
        "is not seen from inside, but in the spreads.\n\n"
        "Every figure is the median of the rounds, with the smallest and the largest beside it. A round "
        "visits all lines of a table in turn, each for a tenth of a second or one call; the first call of a "
        "visit does not count. Bits were compared in the same run."
    )


def _speed(s: Row) -> str:
    rows, cols = s["shape"]
    ours = table(
        ("recipe", "dtype", "amax", "ms", "million values/s", "share of copy", "with the second reading"),
        [
            (
                r["recipe"],
                r["dtype"],
                r["amax"],
                spread(r["milliseconds"]),
                number(r["million_values_per_second"], 4),
                number(r["share_of_copy_compulsory"]["median"], 2),
                number(r["share_of_copy_as_read"]["median"], 2),
            )
            for r in s["ours"]
        ],
    )
    copies = "; ".join(
        f"{spread(c['gigabytes_per_second'])} GB/s for the {c['dtype']} tensor" for c in s["copy"]
    )
    return (
        f"## {rows} x {cols} normal values, {s['rounds']} rounds\n\n"
        "amax included: `fos_ref.quantize(x, recipe, engine='numba')`; given: the engine's own call under "
        "tensor scales that are known. The share is of the bandwidth that `np.copyto` of the same tensor "
        f"reaches in as many threads, read and written bytes counted ({copies}). It counts the bytes that "
        "have to move: the input once, codes, block scales and choices; the last column counts the second "
        f"reading of the input too, where the amax needs one.\n\n{ours}\n\n{_peers(s)}"
    )


def _peers(s: Row) -> str:
    lines = table(
        ("peer", "dtype", "ms", "million values/s", "times as long as ours", "blocks", "differing bytes"),
        [
            (
                f"{p['peer']} {p['version']}",
                p["dtype"],
                spread(p["milliseconds"]),
                number(p["million_values_per_second"], 3),
                f"{spread(p['times_as_long_as_ours'])}, `{p['beside']}`",
                f"{p['blocks_compared']:,}",
                p["differing_bytes"],
            )
            for p in s["peers"]
        ],
    )
    missing = "".join(f"\n\nNot run: {name}: {why}." for name, why in s["not_run"].items())
    return (
        f"Peers take the amax too, and as many threads.\n\n{lines}{missing}"
        if s["peers"]
        else missing.strip()
    )


def _inputs(s: Row) -> str:
    rows, cols = s["shape"]
    lines = table(
        ("input", "dtype", "ms", "times as long as normal", "blocks on the literal path"),
        [
            (
                r["input"],
                r["dtype"],
                spread(r["milliseconds"]),
                spread(r["times_as_long_as_normal"]),
                f"{r['literal_blocks'] / r['blocks']:.2%}",
            )
            for r in s["rows"]
        ],
    )
    return f"## Other inputs: {s['recipe']}, {rows} x {cols}, amax included\n\n{lines}"


def _sizes(s: Row) -> str:
    lines = table(
        ("values", "dtype", "ns a value"),
        [(f"{r['values']:,}", r["dtype"], spread(r["nanoseconds_per_value"])) for r in s["rows"]],
    )
    known = {k: v for k, v in s["largest_rise"].items() if v is not None}
    rises = ", ".join(f"{v} for {k}" for k, v in known.items()) or "not measured"
    missing = "".join(f"\n\nNot run: {name}: {why}." for name, why in s["not_run"].items())
    return (
        f"## From ten thousand values to a billion: {s['recipe']}, amax included\n\n{lines}\n\n"
        "The most that a value costs in some size over the least that it costs in a smaller one (a cliff "
        f"would be above 1): {rises}.{missing}"
    )


def _memory(s: Row) -> str:
    lines = table(
        ("recipe", "dtype", "input MiB", "output MiB", "extra MiB"),
        [(r["recipe"], r["dtype"], r["input_mib"], r["output_mib"], r["extra_mib"]) for r in s["rows"]],
    )
    text = lines if s["rows"] else f"Not run: {s['not_run']}."
    return f"## Peak memory beyond input and output, a process each\n\n{text}"


def _threads(s: Row) -> str:
    lines = table(
        ("dtype", "amax", "threads", "ms", "times faster than one"),
        [
            (
                r["dtype"],
                r["amax"],
                r["threads"],
                spread(r["milliseconds"]),
                spread(r["times_faster_than_one"]),
            )
            for r in s["rows"]
        ],
    )
    return f"## Threads: {s['recipe']}\n\n{lines}"


def _first_call(s: Row) -> str:
    lines = table(("part", "seconds"), [(part, spread(s["seconds"][part])) for part in PARTS])
    return (
        f"## The first call of a fresh process, compiled code cached: {s['values']:,} values, "
        f"{s['processes']} processes\n\n{lines}"
    )


def _profile(s: Row) -> str:
    lines = table(
        ("recipe", "dtype", *STEPS, LITERAL, "literal blocks", "sum", WALK),
        [
            (
                r["recipe"],
                r["dtype"],
                *(number(r["nanoseconds_per_chunk"][step]["median"]) for step in (*STEPS, LITERAL)),
                f"{r['literal_blocks'] / r['blocks']:.3%}",
                number(r["sum_of_steps"]),
                number(r["nanoseconds_per_chunk"][WALK]["median"]),
            )
            for r in s["rows"]
        ],
    )
    return (
        "## Where the time goes: nanoseconds a chunk of 64 blocks, one thread\n\n"
        "Each step runs over the tensor in a loop of its own, in processor time. `literal` is what 64 "
        "blocks that the filter leaves open cost besides, `sum` what the steps come to with the share of "
        f"such blocks, `walk` the whole as it runs.\n\n{lines}\n\n{_limit(s)}"
    )


def _limit(s: Row) -> str:
    """Say which step takes most of the first row, and how much."""
    row = s["rows"][0]
    spent = {step: row["nanoseconds_per_chunk"][step]["median"] for step in STEPS}
    share = row["literal_blocks"] / row["blocks"]
    spent[LITERAL] = share * row["nanoseconds_per_chunk"][LITERAL]["median"]
    most = max(spent, key=lambda step: spent[step])
    parts = ", ".join(f"{step} {v / sum(spent.values()):.0%}" for step, v in spent.items())
    return f"{row['recipe']}, {row['dtype']}: {parts}. What limits it is `{most}`."


PARTS_OF = {
    "speed": _speed,
    "inputs": _inputs,
    "sizes": _sizes,
    "memory": _memory,
    "scaling": _threads,
    "first_call": _first_call,
    "profile": _profile,
}
