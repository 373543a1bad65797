"""The table is complete: a command, an option, a file, a public call or an argument without a row fails.

It has 1,800 rows of `fos`, 4,500 of the library's calls and 70 of modules that are run, or more. All of them
are in the default run.
"""

from __future__ import annotations

import inspect
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import fos_gpu
import fos_ref
from fos_ref.cli import app
from tests.doors.calls import ROWS as CALLS
from tests.doors.commands import ROWS as COMMANDS
from tests.doors.modules import MODULES
from tests.doors.modules import ROWS as RUNS
from tests.meta.tree import files, name

#: What calls return. A caller reads them; nobody hands their parts in.
RESULTS = {
    "Availability",
    "AxisShare",
    "DeviceErrors",
    "DeviceQuantized",
    "Prepared",
    "Diagnosis",
    "Disagreement",
    "MatmulDiagnosis",
    "StochasticDiagnosis",
    "Mutant",
    "Chain",
    "Step",
}
#: Calls and arguments that take whatever is given.
FREE = {
    "available",  # takes nothing
    "dtypes",  # takes nothing
    "strategies.recipes(allowed)",
}
#: Switches, and what is called back: any value is a truth, any error in them is the caller's own.
SWITCHES = {"explain", "ends", "columnwise", "check", "overwrite", "progress", "compiling"}
MODULES_OF_VERIFY = (
    "disagreement",
    "distributions",
    "hardware",
    "inspect",
    "mutants",
    "near_tie",
    "strategies",
    "vectors.chain",
)


def doors_of(command: Any, path: str = "") -> list[str]:
    """Return every place of a command where something from outside comes in, and those of its commands."""
    found = []
    for p in command.params:
        if p.param_type_name == "argument":
            found.append(f"{path} {p.metavar}")
        elif not p.is_flag:
            long = [o for o in p.opts if o.startswith("--")]
            found.append(f"{path or 'fos'} {long[0]}")
    for word, sub in getattr(command, "commands", {}).items():
        found += doors_of(sub, f"{path} {word}".strip())
    return found


def test_every_option_and_file_of_every_command_has_a_row():
    doors = doors_of(typer.main.get_command(app))
    assert len(doors) > 35
    assert sorted(set(doors) - {row.door for row in COMMANDS}) == []


def test_every_command_has_a_row_of_a_word_that_it_does_not_know():
    words = {" ".join(row.door.split()[:2]) for row in COMMANDS}
    groups = [c.split()[0] for c in words]
    assert {"check", "evidence", "golden", "inspect", "matmul", "prove", "quantize", "recipes", "report"} <= {
        *groups
    }


def public(module: Any) -> dict[str, Any]:
    """Return the functions of a module's public face, by name."""
    named = {n: getattr(module, n) for n in module.__all__}
    return {n: v for n, v in named.items() if callable(v) and n not in RESULTS | FREE}


def arguments(prefix: str, calls: dict[str, Any]) -> list[str]:
    """Return "call(argument)" for each argument of functions."""
    return [f"{prefix}{n}({a})" for n, f in calls.items() for a in _parameters(f) if a not in SWITCHES]


def _parameters(f: Any) -> list[str]:
    found = []
    for p in inspect.signature(f).parameters.values():
        if p.kind is p.VAR_KEYWORD:  # Unpack[Asked]: the keywords of `check`
            found += [k for k in inspect.signature(fos_ref.verify.check).parameters if k not in found]
        else:
            found.append(p.name)
    return found


def test_every_argument_of_every_public_call_has_a_row():
    wanted = arguments("", {n: v for n, v in public(fos_ref).items() if n != "QuantizedTensor"})
    wanted += arguments("", public(fos_ref.verify))
    for part in MODULES_OF_VERIFY:
        wanted += arguments("", public(import_module(f"fos_ref.verify.{part}")))
    wanted += arguments("report.", public(fos_ref.report))
    wanted += arguments("fos_gpu.", public(fos_gpu))
    assert len(wanted) > 120
    assert sorted(set(wanted) - {row.door for row in CALLS}) == []


def test_the_modules_of_verify_are_these():
    folder = Path(fos_ref.verify.__file__).parent
    modules = {
        p.relative_to(folder).with_suffix("").as_posix().replace("/", ".") for p in folder.rglob("*.py")
    }
    assert {m for m in modules if not m.endswith("__init__")} == set(MODULES_OF_VERIFY)


def test_every_module_that_can_be_run_has_a_row():
    run = [name(p) for p in files("fos_ref", "fos_gpu") if "__main__" in p.read_text(encoding="utf-8")]
    run = [f for f in run if not f.startswith("fos_ref/export/")]  # programs that an export contains
    assert sorted(f.removesuffix(".py").replace("/", ".") for f in run) == sorted(MODULES)
    assert {row.module for row in RUNS} == set(MODULES)


def test_the_table_is_large_and_no_row_stands_twice():
    assert len(COMMANDS) >= 1_800
    assert len(CALLS) >= 4_500
    assert len(RUNS) >= 70
    ids = Counter(row.id for row in (*COMMANDS, *CALLS, *RUNS))
    assert [i for i, n in ids.items() if n > 1] == []


def test_a_row_of_an_option_gives_it():
    rows = [r for r in COMMANDS if " --" in r.door and r.what != "given never"]
    short = {"--out": "-o"}
    missing = [r.id for r in rows if not {r.door.split()[-1], short.get(r.door.split()[-1])} & {*r.args}]
    assert missing == []
