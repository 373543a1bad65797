"""A server that speaks S3 in a thread of the test: every answer is counted, and some can be made to fail."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment

from tests.fleet.processes import PROGRAM, ROOT

__all__ = ["PROGRAM", "PYTHON", "ROOT", "serving"]
PYTHON = sys.executable
LATE = 1.5  #: seconds of an answer that comes too late
PATIENCE = 0.5  #: seconds that the client waits
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Request(NamedTuple):
    """One request and its answer."""

    method: str
    path: str
    status: int
    sent: int  #: bytes of the body


@dataclass
class Server:
    """The application that stands before moto's."""

    inner: Callable[..., Any]
    log: list[Request] = field(default_factory=list)
    what: str = ""
    every: int = 0
    count: int = 0
    failed: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def fail(self, what: str, every: int = 0) -> int:
        """Let every n-th request fail from now on; return how many did before."""
        before = self.failed
        self.what, self.every, self.count, self.failed = what, every, 0, 0
        return before

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Any:
        with self.lock:
            self.count += 1
            fails = bool(self.what) and self.count % self.every == 0
            self.failed += fails
        if fails and self.what == "500":
            start("500 Internal Server Error", [("Content-Type", "application/xml"), ("Content-Length", "0")])
            return [b""]
        if fails:
            time.sleep(LATE)
        status: list[int] = []

        def started(line: str, headers: Any, *more: Any) -> Any:
            status.append(int(line.split(maxsplit=1)[0]))
            return start(line, headers, *more)

        body = b"".join(self.inner(environ, started))
        self.log.append(Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], status[0], len(body)))
        return [body]


@contextmanager
def serving() -> Iterator[Server]:
    """Start the server with one bucket, `shards`; fsspec finds it by its own environment variables."""
    import fsspec  # noqa: PLC0415 -- an extra
    from moto.server import create_backend_app, DomainDispatcherApplication  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    app = Server(DomainDispatcherApplication(create_backend_app))
    http = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    before = dict(os.environ)
    url = f"http://127.0.0.1:{http.server_port}"
    os.environ.update({**_ENVIRONMENT, "AWS_ENDPOINT_URL": url})
    timeouts = {"read_timeout": PATIENCE, "connect_timeout": 5, "retries": {"max_attempts": 0}}
    kept = dict(fsspec.config.conf)
    fsspec.config.conf["s3"] = {"config_kwargs": timeouts}
    try:
        fsspec.filesystem("s3").mkdir("shards")
        yield app
    finally:
        fsspec.config.conf.clear()
        fsspec.config.conf.update(kept)
        os.environ.clear()
        os.environ.update(before)
        http.shutdown()
        thread.join()
