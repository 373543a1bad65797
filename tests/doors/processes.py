"""Runs rows each in a process of its own: a program is loaded once, and every row gets a copy of it.

Reads the arguments of all rows as JSON, and prints how each ended as JSON. The streams are files, as a shell
would have them; the exit code is the one that the parent sees.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import sys
import tempfile
import warnings
from functools import cache
from importlib import import_module

import typer

from fos_ref.cli import main

SECONDS = 30  #: of a processor
WAITING = 600  #: of the clock
#: What most rows need.
LOADED = (
    "fos_ref.commands.app",
    "fos_ref.check.api",
    "fos_ref.commands.recipe_diff",
    "fos_ref.commands.quantize_tables",
    "fos_ref.engines.convert",
    "fos_ref.inspect.api",
    "fos_ref.vectors.verify",
    "fos_ref.vectors.lint",
    "fos_ref.export.document",
)
_MEMORY = 4 << 30


def child(words: list[str], out: int, err: int) -> None:
    """Become `fos` with these arguments."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.alarm(WAITING)
    sys.argv = ["fos", *(os.fsdecode(base64.b64decode(w)) for w in words)]
    main()


def ended(words: list[str]) -> tuple[int, str, str]:
    """Return exit code, output and error stream of a copy of this process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with warnings.catch_warnings():  # of the threads that libraries keep
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            child(words, out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
        return (code, *texts)


if __name__ == "__main__":
    for module in LOADED:
        import_module(module)
    typer.main.get_command = cache(typer.main.get_command)  # made once, where a process makes it at its start
    typer.main.get_command(import_module("fos_ref.commands.app").app)
    found = [ended(words) for words in json.load(sys.stdin)]
    sys.stdout.write(json.dumps(found))
