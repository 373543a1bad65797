"""The last guard: one line and its exit code for input, memory and machine; a traceback for a fault."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

from fos_ref import cli
from fos_ref.errors import BitMismatch, InputError
from fos_ref.errors.guard import answer, guarded

MAIN = "from fos_ref.cli import main; main()"
NO_THREAD = RuntimeError("can't start new thread")


def _decoding():
    try:
        b"\xff".decode()
    except UnicodeDecodeError as e:
        return e


def _caused():
    error = ImportError("numpy failed\n\nIMPORTANT: read this\n" * 50)
    error.__cause__ = MemoryError()
    return error


ERRORS = {
    "package of an extra": (
        ModuleNotFoundError("No module named 'pandas'", name="pandas"),
        2,
        "fos-ref[report]",
    ),
    "memory": (MemoryError(), 2, "not enough memory for this"),
    "memory of an array": (np._core._exceptions._ArrayMemoryError((1 << 40,), np.dtype("f4")), 2, "memory"),
    "depth": (RecursionError("maximum recursion depth exceeded"), 2, "nested too deeply"),
    "encoding": (_decoding(), 2, "encoding"),
    "file": (FileNotFoundError(2, "No such file", "a\nb\x1b.npy"), 2, "'a\\nb\\x1b.npy': No such file"),
    "bytes path": (OSError(2, "No such file", b"a\xff"), 2, "'a\\udcff': No such file"),
    "no name": (OSError(28, "No space left on device"), 2, "output: No space left"),
    "no text": (OSError(), 2, "output: OSError"),
    "thread": (NO_THREAD, 2, "ulimit -u"),
    "worker": (BrokenProcessPool("ended abruptly"), 2, "worker process"),
    "module": (ImportError("libx.so: Cannot allocate memory"), 2, "cannot be loaded: libx.so"),
    "module without memory": (_caused(), 2, "not enough memory"),
    "interrupt": (KeyboardInterrupt(), 130, ""),
    "mismatch": (BitMismatch("a\nb"), 1, "a\nb"),
    "own": (InputError("a\nb"), 2, "a\\nb"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_every_door_gives_one_line_and_the_exit_code(monkeypatch, capsys, name):
    error, code, says = ERRORS[name]

    def fail(**_):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert cli.run([]) == code
    first = capsys.readouterr().err
    assert guarded(fail)() == code
    second = capsys.readouterr().err
    for told in (first, second):
        assert says in told
        assert len(told) < 1_000
        assert told.count("\n") == (2 if name == "mismatch" else 1 if says else 0)
        assert told.replace("\n", "").isprintable()
    assert second.startswith("error: " if says and name != "mismatch" else says)


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("a"), RuntimeError("other"), TypeError("t")])
def test_a_fault_of_the_package_is_no_answer(error):
    assert answer(error) is None
    with pytest.raises(type(error)):
        guarded(lambda: (_ for _ in ()).throw(error))()


def test_a_module_of_ours_that_is_gone_is_a_fault():
    assert answer(ModuleNotFoundError("no", name="fos_ref.nothing")) is None
    assert answer(ModuleNotFoundError("no", name="fos_gpu")) is not None
    assert answer(ModuleNotFoundError("no", name="scipy")) is not None


def run(script: str, *args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", script, *args]
    return subprocess.run(program, env=os.environ | env, capture_output=True, check=False)


def test_a_fault_shows_its_traceback_without_raw_text():
    script = (
        "import fos_ref.recipes as r\n"
        "def fail(_): raise ZeroDivisionError('\\x1b]0;pwn\\x07')\n"
        f"r.recipe = fail\n{MAIN}"
    )
    done = run(script, "recipes", "nvfp4")
    assert done.returncode == 1
    assert b"Traceback" in done.stderr
    assert b"\x1b" not in done.stderr
    assert b"please report it" in done.stderr


@pytest.mark.sample(3)
@pytest.mark.parametrize("module", ["numpy", "typer", "rich.console", "fos_ref.recipes", "typer.core"])
@pytest.mark.parametrize("error", ["MemoryError()", "KeyboardInterrupt()", "OSError(12, 'Cannot allocate')"])
def test_what_fails_while_modules_load_has_its_line_too(module, error):
    """A memory limit, a full disk or Ctrl-C strikes during an import as well."""
    script = (
        "import sys\nclass Fails:\n"
        f"  def find_spec(self, name, *_):\n    if name == {module!r}: raise {error}\n"
        f"sys.meta_path.insert(0, Fails()); {MAIN}"
    )
    done = run(script, "recipes", "diff", "nvfp4", "4over6", "--distribution", "normal")
    assert done.returncode == (130 if "Key" in error else 2)
    assert done.stderr.count(b"\n") == (0 if "Key" in error else 1)
    assert b"Traceback" not in done.stderr


@pytest.mark.sample(1)
@pytest.mark.parametrize("mega", [150, 200, 300, 450])
def test_a_memory_limit_is_one_line(mega):
    """Wherever it strikes: in the parser, in NumPy, in a table."""
    script = f"import resource\nresource.setrlimit(resource.RLIMIT_AS, ({mega} << 20, {mega} << 20))\n{MAIN}"
    done = run(script, "recipes", "nvfp4", OPENBLAS_NUM_THREADS="1")
    assert done.returncode in (0, 2)
    if done.returncode:
        assert b"Traceback" not in done.stderr
        assert [x for x in done.stderr.splitlines() if x.startswith(b"fos: ")] == done.stderr.splitlines()
        assert len(done.stderr.splitlines()) == 1


def test_an_argument_has_a_bound(capsys):
    assert cli.run(["quantize", "a", "b", "--include", "*" * 100_000]) == 2
    assert capsys.readouterr().err == ("fos: argument 5 has 100,000 characters: at most 4,096 are allowed\n")


SLOW = pytest.mark.exhaustive


@pytest.mark.long
@pytest.mark.parametrize(
    "encoding", ["ascii", "utf-16", *(pytest.param(e, marks=SLOW) for e in ("latin1", "cp1252"))]
)
def test_no_encoding_ends_a_command(encoding):
    done = run(MAIN, "recipes", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    done = run(MAIN, "recipes", "\u00e9\u202e", PYTHONIOENCODING=encoding, PYTHONUTF8="1")
    assert done.returncode == 2
    assert len(done.stderr.decode(encoding).splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no such streams: not run")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(tmp_path, closed):
    """What C code prints on stream 2 would end in it."""
    script = (
        "import os, pathlib, fos_ref.cli as c, fos_ref.errors.guard as g; g.ready_process(); "
        f"f = open({str(tmp_path / 'f')!r}, 'w'); f.write(str(f.fileno())); f.close()"
    )
    words = ["bash", "-c", f'"$@" {closed}', "bash", sys.executable, "-c", script]
    assert subprocess.run(words, check=False).returncode == 0
    assert int((tmp_path / "f").read_text()) > 2
