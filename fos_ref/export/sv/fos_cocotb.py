"""Drives fos_stream with the vectors of a recipe, with stalls on both sides, and checks every bit (cocotb 2).

    pip install 'cocotb>=2,<3'
    python fos_cocotb.py 4over6

The last line says PASS or FAIL, and the exit code is 0 for PASS only. Your own design:

    python fos_cocotb.py 4over6 --dut my_stream.sv my_parts.sv --top my_stream

Its ports are those of fos_stream.sv. It may leave out out_map6_error, out_map4_error and out_picked4; what is
compared is printed. fos_float.sv, fos_formats.sv and the recipe's fos_vectors.sv are compiled with it.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

HERE = Path(__file__).resolve().parent
INPUTS = ("x", "tensor_amax", "encode_scale", "decode_scale")
RESULTS = ("map6_error", "map4_error", "picked4", "block_scale", "codes")
NEEDED = ("block_scale", "codes")  #: a design has these; the flags are counted by them
SHOWN = 10
PATIENCE = 2000  #: cycles without a block in or out after which a design hangs
DRAIN = 200  #: cycles after the last block in which no other may come


# ---- the vectors ----


@dataclass(frozen=True)
class Vectors:
    """The columns of a recipe's folder, a number a block; and what shows which mistake."""

    columns: dict[str, list[int]]
    vector: list[int]  #: of each block
    ids: list[str]
    flags: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.vector)


def load(folder: Path) -> Vectors:
    """Return the vectors of a recipe. Raises: ValueError where a file is not whole."""
    package = (folder / "fos_vectors.sv").read_text(encoding="ascii")
    lines = [line.split(" ") for line in (folder / "ids.txt").read_text(encoding="ascii").splitlines()]
    count = {n: int(v) for n, v in re.findall(r"localparam (BLOCKS|VECTORS) = (\d+);", package)}
    if len(lines) != count["VECTORS"]:
        msg = f"{folder}/ids.txt: {count['VECTORS']} lines are allowed"
        raise ValueError(msg)
    names = (*INPUTS, *RESULTS, "vector")
    columns = {name: _words(folder / f"{name}.memh", count["BLOCKS"]) for name in names}
    flags = [() if line[1] == "-" else tuple(line[1].split(",")) for line in lines]
    return Vectors(columns, columns["vector"], [line[0] for line in lines], flags)


def _words(path: Path, count: int) -> list[int]:
    words = path.read_text(encoding="ascii").split()
    if len(words) != count or not all(re.fullmatch("[0-9A-Fa-f]+", word) for word in words):
        msg = f"{path}: {count} hexadecimal words are allowed, one a block"
        raise ValueError(msg)
    return [int(word, 16) for word in words]


# ---- what came out ----


@dataclass
class Verdict:
    """What differs, vector by vector, and what else went wrong."""

    vectors: Vectors
    names: list[str]  #: the results that are compared
    taken: int = 0
    problems: list[str] = field(default_factory=list)
    first: dict[int, str] = field(default_factory=dict)  #: by vector: its first difference
    judged: set[int] = field(default_factory=set)  #: vectors whose codes or scale byte differ

    def take(self, got: dict[str, int | str]) -> None:
        """Compare one block that came out with the next that is expected."""
        block = self.taken
        self.taken += 1
        if block >= len(self.vectors):
            return
        v = self.vectors.vector[block]
        for name in self.names:
            want = self.vectors.columns[name][block]
            if got[name] == want:
                continue
            shown = f"{got[name]:x}" if isinstance(got[name], int) else got[name]
            flags = ",".join(self.vectors.flags[v]) or "-"
            text = f"{self.vectors.ids[v]}: block {block}: {name} is {shown}, expected {want:x} ({flags})"
            self.first.setdefault(v, text)
            if name in NEEDED:
                self.judged.add(v)

    def finish(self) -> None:
        """Print what differs; raise AssertionError unless everything is as expected."""
        for text in list(self.first.values())[:SHOWN]:
            print(text)
        if len(self.first) > SHOWN:
            print(f"and {len(self.first) - SHOWN} more vectors")
        if self.first and not self.problems:
            self._say_flags()
        for problem in self.problems:
            print(problem)
        said = self.problems or ([f"{len(self.first)} vectors differ"] if self.first else [])
        assert not said, "; ".join(said)

    def _say_flags(self) -> None:
        of = Counter(flag for v in set(self.vectors.vector) for flag in self.vectors.flags[v])
        failed = Counter(flag for v in self.judged for flag in self.vectors.flags[v])
        order = sorted(failed, key=lambda f: (-failed[f] / of[f], -of[f], f))
        for word, whole in (("all", True), ("some", False)):
            shares = [f"{f} {failed[f]}/{of[f]}" for f in order if (failed[f] == of[f]) == whole]
            print(f"flags {word} of whose vectors failed: {', '.join(shares) or 'none'}")


# ---- the clocked side: inputs change at the falling edge; what is read then, the next rising edge sees ----

#: Given a key of its own and the cycle: does this side take part?
Side = Callable[[str, int], bool]


def always(_key: str, _cycle: int) -> bool:
    """Never stall."""
    return True


def half(key: str, cycle: int) -> bool:
    """Stall in half of the cycles."""
    return random.Random(f"{key} {cycle}").random() < 0.5  # noqa: PLR2004, S311


def bursts(key: str, cycle: int) -> bool:
    """In every 32 cycles: go on for a random part of them, then stall for the rest."""
    return random.Random(f"{key} {cycle // 32}").random() * 32 > cycle % 32  # noqa: S311


async def drive(dut: Any, side: Side) -> None:
    """Send every block and take every result, with stalls before and behind the design."""
    vectors = load(Path(os.environ["FOS_VECTORS_DIR"]))
    names = [name for name in RESULTS if hasattr(dut, f"out_{name}")]
    verdict = Verdict(vectors, names)
    assert set(NEEDED) <= set(names), f"the ports out_{' and out_'.join(NEEDED)} are needed"
    print(f"compared: {', '.join(names)}")
    seed = os.environ.get("FOS_SEED", "0")
    await reset(dut)
    sent = idle = cycle = 0
    offering, held = False, None
    while verdict.taken < len(vectors) and idle < PATIENCE and not verdict.problems:
        await FallingEdge(dut.clk)
        offering = offering or (sent < len(vectors) and side(f"{seed} in", cycle))
        ready = side(f"{seed} out", cycle)
        put(dut, vectors, sent if offering else None)
        dut.out_ready.value = int(ready)
        await ReadOnly()
        moved = False
        if offering and one(dut, "in_ready"):
            sent, offering, moved = sent + 1, False, True
        got = results(dut, names) if one(dut, "out_valid") else None
        if held is not None and got != held:
            verdict.problems.append(f"block {verdict.taken}: the output changed while out_ready was 0")
        held = None if ready else got
        if got is not None and ready:
            moved = True
            verdict.take(got)
            if verdict.taken > sent:
                verdict.problems.append(f"block {verdict.taken - 1} came out before it went in")
        idle = 0 if moved else idle + 1
        cycle += 1
    await drained(dut, verdict, vectors)
    verdict.finish()


async def drained(dut: Any, verdict: Verdict, vectors: Vectors) -> None:
    """Say what is missing, or wait for what should not come."""
    if verdict.problems:
        return
    if verdict.taken < len(vectors):
        some = f"{verdict.taken} of {len(vectors)} blocks came out"
        verdict.problems.append(f"{some}: the others are lost, or it hangs")
        return
    for _ in range(DRAIN):
        await FallingEdge(dut.clk)
        put(dut, vectors, None)
        dut.out_ready.value = 1
        await ReadOnly()
        if one(dut, "out_valid"):
            verdict.problems.append("a block too many came out")
            return


async def reset(dut: Any) -> None:
    """Start the clock and hold the reset for four cycles."""
    Clock(dut.clk, 10, unit="step").start()
    dut.rst.value = 1
    dut.in_valid.value = 0
    dut.out_ready.value = 0
    for _ in range(4):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


def put(dut: Any, vectors: Vectors, block: int | None) -> None:
    """Offer a block; or nothing, with all ones on the data, which must not be read."""
    dut.in_valid.value = int(block is not None)
    for name in INPUTS:
        port = getattr(dut, f"in_{name}")
        port.value = (1 << len(port)) - 1 if block is None else vectors.columns[name][block]


def results(dut: Any, names: list[str]) -> dict[str, int | str]:
    """Return the outputs as numbers; with an x or a z in it, as text."""
    values = {name: getattr(dut, f"out_{name}").value for name in names}
    return {name: int(v) if set(str(v)) <= {"0", "1"} else str(v) for name, v in values.items()}


def one(dut: Any, name: str) -> bool:
    """Return whether a valid or a ready is 1; it must be 0 or 1."""
    text = str(getattr(dut, name).value)
    assert text in ("0", "1"), f"{name} is {text} after the reset"
    return text == "1"


@cocotb.test()
async def without_stalls(dut: Any) -> None:
    """Send a block every cycle."""
    await drive(dut, always)


@cocotb.test()
async def random_stalls(dut: Any) -> None:
    """Stall each side in half of the cycles."""
    await drive(dut, half)


@cocotb.test()
async def long_stalls(dut: Any) -> None:
    """Stall each side for many cycles: the pipeline runs full, and dry."""
    await drive(dut, bursts)


# ---- the command ----


def main() -> int:
    """Build the design with a simulator and run the tests; return the exit code."""
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    a = arguments()
    folder = HERE / a.recipe
    try:
        blocks = len(load(folder))
    except (OSError, ValueError) as e:
        print(f"FAIL: {e}")
        return 1
    shared = [HERE / "fos_float.sv", HERE / "fos_formats.sv", folder / "fos_vectors.sv"]
    build = HERE / "sim_build" / a.recipe
    runner = get_runner(a.sim)
    runner.build(
        sources=[*shared, *(path.resolve() for path in a.dut)],
        hdl_toplevel=a.top,
        build_args=["-g2012"] if a.sim == "icarus" else [],
        build_dir=build,
        always=True,
    )
    path = os.pathsep.join([str(HERE), *sys.path])
    env = {"FOS_VECTORS_DIR": str(folder), "FOS_SEED": str(a.seed), "PYTHONPATH": path}
    found = build / "results.xml"
    with contextlib.suppress(SystemExit):  # under pytest it exits by itself
        runner.test(
            hdl_toplevel=a.top,
            test_module="fos_cocotb",
            test_dir=build,
            build_dir=build,
            extra_env=env,
            results_xml=str(found),
        )
    tests, failed = get_results(found) if found.exists() else (0, 0)
    good = tests > 0 and failed == 0
    counts = f"{blocks} blocks, {tests} tests, {failed} failed"
    print(f"{'PASS' if good else 'FAIL'}: {a.recipe}: {counts}", flush=True)
    return 0 if good else 1


def arguments() -> argparse.Namespace:
    """Return the command's arguments; an unknown recipe is an error that lists near names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", help="a folder of vectors beside this file")
    own = [HERE / "fos_dut.sv", HERE / "fos_stream.sv"]
    parser.add_argument("--dut", nargs="+", type=Path, default=own, metavar="FILE", help="the design's files")
    parser.add_argument("--top", default="fos_stream", metavar="MODULE", help="the design's module")
    parser.add_argument("--sim", default="icarus", help="icarus, or verilator (5.036 or later)")
    parser.add_argument("--seed", type=int, default=0, help="of the stalls")
    a = parser.parse_args()
    there = sorted(path.parent.name for path in HERE.glob("*/fos_vectors.sv"))
    if a.recipe not in there:
        near = difflib.get_close_matches(a.recipe, there)
        hint = f" (did you mean {', '.join(near)}?)" if near else ""
        parser.error(f"{a.recipe}: no vectors of it{hint}; allowed are {', '.join(there)}")
    return a


if __name__ == "__main__":
    sys.exit(main())
