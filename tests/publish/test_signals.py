"""Signals: they end the body as an exception does, and wait while files are renamed."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from fos_ref.publish.publication import write_all
from fos_ref.publish.signals import ENDING, held, stopping
from fos_ref.publish.targets import Targets


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_body_and_leaves_no_handler(number):
    before = signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup
    try:
        with pytest.raises(SystemExit) as e, stopping():
            os.kill(os.getpid(), number)
        assert e.value.code == 128 + number
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_or_handled_stays_so():
    """As under nohup, and beside a program's own handler."""
    came = []
    before = {n: signal.getsignal(n) for n in (signal.SIGHUP, signal.SIGUSR1)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, lambda n, _: came.append(n))
        with stopping():
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGUSR1)
        assert came == [signal.SIGUSR1]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)


def test_a_worker_process_dies_of_it():
    with stopping():
        pid = os.fork()
        if not pid:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_held_signal_waits_for_the_end(number):
    done = []

    def body() -> None:
        with stopping():
            with held(), held():
                os.kill(os.getpid(), number)
                done.append("body")
            done.append("after")

    with pytest.raises((KeyboardInterrupt, SystemExit)):
        body()
    assert done == ["body"]


def test_a_signal_while_the_hidden_folder_is_made_leaves_nothing(tmp_path, monkeypatch):
    def take(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        return True

    monkeypatch.setattr("fos_ref.publish.staging.take", take)
    with pytest.raises(SystemExit), stopping():
        write_all(Targets(tmp_path, ["a"]), {"a": b"1"})
    assert list(tmp_path.iterdir()) == []


def test_in_another_thread_signals_are_left_alone():
    seen = []

    def work() -> None:
        with stopping(), held():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_files_that_are_taking_their_names_all_do(tmp_path, monkeypatch):
    def keep(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        return {}

    monkeypatch.setattr("fos_ref.publish.publication.keep", keep)
    with pytest.raises(SystemExit), stopping():
        write_all(Targets(tmp_path, ["a", "b"]), {"a": b"1", "b": b"2"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
