"""Rows of `fos fleet`."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.commands.numbers import row as number
from tests.doors.kit import checkpoints, documents
from tests.doors.row import Command, each, hostile

_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")
_LIES = (*checkpoints.FOREIGN, *checkpoints.LIES)
STOCHASTIC = "te-train-gradient-cvt-rs"
_PLAN = ("fleet", "plan", "w.safetensors")
_RUN, _INSPECT = ("fleet", "run", "nowhere"), ("fleet", "inspect", "q.safetensors")
_REPORT = ("fleet", "report", "w.safetensors")
_TARGETS = [
    ("a folder that is not empty", "taken"),
    ("a file", "file"),
    ("a name under a file", "file/a"),
    ("a loop of links", "loop.json"),
    ("a name of 300 characters", "n" * 300),
    ("a protocol that nobody speaks", "nobody://bucket/x"),
]
_SOURCES = (
    *(f"{name}.safetensors" for name in (*_LIES, *_ODD)),
    *(f"index-{name}.json" for name in documents.INDEXES if name != "good"),
    *("x.npy", "nothing", "taken", ".", "file", "nobody://bucket/x", "m.gguf", "gguf.safetensors"),
)
#: (command, its words up to the options): those that share --engine, --workers and --scheduler.
_BY = (("run", _RUN), ("inspect", _INSPECT), ("report", _REPORT))


def _at(command: str, argument: str, words: tuple[str, ...], names: tuple[str, ...]) -> list[Command]:
    return [
        Command(f"fleet {command} {argument}", f"called {n}", ("fleet", command, n, *words)) for n in names
    ]


ROWS = [
    *_at("plan", "SRC", ("new",), _SOURCES),
    *hostile("fleet plan SRC", "fleet", "plan", "{}", "new"),
    Command("fleet plan SRC", "quantized already", ("fleet", "plan", "q.safetensors", "new"), ("quantized",)),
    *each("fleet plan DST", _TARGETS, *_PLAN, "{}"),
    *each("fleet plan DST", [("the folder that is read", ".")], *_PLAN, "{}", named=("is read",)),
    *each("fleet plan DST", [("nothing", ""), ("100,000 letters", "a" * 100_000)], *_PLAN, "{}"),
    *hostile("fleet plan --recipe", *_PLAN, "new", "--recipe", "{}", named=("recipe",)),
    Command(
        "fleet plan --recipe",
        "one that takes random bits",
        (*_PLAN, "new", "--recipe", STOCHASTIC),
        (STOCHASTIC, "random bits"),
    ),
    *hostile("fleet plan --convention", *_PLAN, "new", "--convention", "{}", named=("modelopt",)),
    *hostile("fleet plan --share", *_PLAN, "new", "--share", "{}", named=("none", "fused")),
    *hostile("fleet plan --experts", *_PLAN, "new", "--experts", "{}", named=("out-in", "in-out")),
    Command("fleet plan --experts", "of no stack", (*_PLAN, "new", "--experts", "in-out"), ("stack",)),
    *each(
        "fleet plan --include",
        [("nothing that is there", "zzz*"), ("100,000", "a" * 100_000)],
        *_PLAN,
        "new",
        "--include",
        "{}",
    ),
    *each(
        "fleet plan --exclude",
        [("everything", "*"), ("100,000", "a" * 100_000)],
        *_PLAN,
        "new",
        "--exclude",
        "{}",
    ),
    *_at("run", "DST", (), ("taken", "nowhere", "file", "nothing", "nobody://bucket/x", "loop.json", "pipe")),
    *hostile("fleet run DST", "fleet", "run", "{}"),
    *_at(
        "status", "DST", (), ("taken", "nowhere", "file", "nothing", "nobody://bucket/x", "loop.json", "pipe")
    ),
    *hostile("fleet status DST", "fleet", "status", "{}"),
    *hostile("fleet run --shard", *_RUN, "--shard", "{}"),
    *each(
        "fleet run --shard",
        [("the one past the last", "4/4"), ("of none", "0/0"), ("negative", "-1/4"), ("one number", "1")],
        *_RUN,
        "--shard",
        "{}",
        named=("--shard", "I/N"),
    ),
    *[number("fleet run --hold", w, (*_RUN, "--hold", t), ("--hold",), t) for w, t in NOT_WHOLE],
    *hostile("fleet run --compute", *_RUN, "--compute", "{}", named=("compute", "numpy")),
    *hostile("fleet report --compute", *_REPORT, "--compute", "{}", named=("compute", "numpy")),
    *_at("inspect", "CHECKPOINT", (), (*_SOURCES, "w.safetensors", "index-good.json")),
    *hostile("fleet inspect CHECKPOINT", "fleet", "inspect", "{}"),
    *[
        Command("fleet inspect --against", n, (*_INSPECT, "--against", n))
        for n in ("taken", "nowhere", "x.npy")
    ],
    *hostile("fleet inspect --against", *_INSPECT, "--against", "{}"),
    *hostile("fleet inspect --recipe", *_INSPECT, "--recipe", "{}", named=("recipe",)),
    *[
        number("fleet inspect --blocks", w, (*_INSPECT, "--blocks", t), ("--blocks",), t)
        for w, t in NOT_WHOLE
    ],
    *_at("report", "SRC", (), (*_SOURCES, "only-a-norm.safetensors")),
    *hostile("fleet report SRC", "fleet", "report", "{}"),
    *each(
        "fleet report --out",
        [("a file", "file"), ("under a file", "file/a")],
        *_REPORT,
        "--out",
        "{}",
    ),
    *[
        row
        for command, words in _BY
        for row in (
            *hostile(f"fleet {command} --engine", *words, "--engine", "{}", named=("local", "dask")),
            Command(f"fleet {command} --engine", "in other case", (*words, "--engine", "DASK"), ("dask",)),
            *hostile(f"fleet {command} --scheduler", *words, "--scheduler", "{}"),
            Command(
                f"fleet {command} --scheduler",
                "without dask",
                (*words, "--scheduler", "tcp://127.0.0.1:1"),
                ("--scheduler", "dask") if command != "run" else (),
            ),
            *[
                number(f"fleet {command} --workers", w, (*words, "--workers", t), ("--workers",), t)
                for w, t in (*NOT_WHOLE, ("none", "0"), ("too many", "5000"))
            ],
        )
    ],
]
