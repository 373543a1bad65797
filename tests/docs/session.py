"""A page of docs/ as a session: its commands and examples are run in their order, in one folder.

```console      lines that begin with "$ " are commands, what follows is their output, "..." any lines of it
```pycon        examples, with the names of those before them
```python NAME  a file that the reader saves as NAME
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from fos_ref import cli

_FENCE = re.compile(r"^```(console|pycon|python) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", re.MULTILINE)
_SECONDS = 300


def commands(text: str) -> list[tuple[str, str]]:
    """Return the commands of a block and what each prints."""
    return [(step[1], step[2]) for step in _STEP.finditer(text)]


def said_by(command: str) -> str:
    """Run a command in the working directory: `fos` and `cd` in this process, what follows a pipe in bash."""
    words, _, rest = command.replace("\\\n", " ").partition(" | ")
    words, _, file = words.partition(" > ")
    first = words.split()
    if first[0] == "cd":
        os.chdir(first[1])
        return ""
    if first[0] != "fos":
        return _bash(command)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = cli.run(first[1:])
    assert code == 0 or rest, (command, code)
    if file:
        Path(file.strip()).write_text(said.getvalue(), encoding="utf-8")
        return ""
    return _bash(rest, said.getvalue()) if rest else said.getvalue()


def _bash(command: str, given: str | None = None) -> str:
    done = subprocess.run(
        ["bash", "-c", command], input=given, capture_output=True, text=True, check=True, timeout=_SECONDS
    )
    assert done.stderr == ""
    return done.stdout


def steps(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, text) of each block that is run."""
    for kind, name, body in _FENCE.findall(text):
        if kind != "python" or name:
            yield kind, name, body


def as_it_should(got: str, want: str) -> bool:
    """Return whether an output is the one that the page shows."""
    parts = map(re.escape, re.split(r"^\.\.\.\n", want, flags=re.MULTILINE))
    return re.fullmatch("(?:.*\n)*?".join(parts), got) is not None


def run(text: str) -> tuple[int, list[str]]:
    """Run a page in the working directory; return how many steps it has and what did not come as it says."""
    names: dict[str, object] = {}
    wrong: list[str] = []
    number = 0
    for kind, name, body in steps(text):
        if kind == "python":
            Path(name).write_text(body, encoding="utf-8")
        elif kind == "pycon":
            examples = doctest.DocTestParser().get_doctest(body, names, "page", None, 0)
            result = doctest.DocTestRunner().run(examples, out=wrong.append, clear_globs=False)
            names = examples.globs
            number += result.attempted
        else:
            for command, output in commands(body):
                got = said_by(command)
                number += 1
                if not as_it_should(got, output):
                    wrong.append(f"$ {command}{got}instead of\n{output}")
    return number, wrong
