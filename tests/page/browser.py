"""A headless Chromium on the page: what it says, what leaves, what a keyboard reaches, how wide it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

WIDTHS = (360, 1440)
SCHEMES = ("light", "dark")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Return the browser of the system; a skip says how to get one."""
    found = next((p for n in NAMES if (p := shutil.which(n))), None)
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium")
    return found


@dataclass
class Seen:
    """What happened in the browser."""

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def opened(page: Path, width: int, scheme: str) -> Iterator[tuple[Any, Seen]]:
    """Open a page of the disk; every request but the page itself is noted and refused."""
    sync = pytest.importorskip("playwright.sync_api", reason="pip install 'fos-ref[page-test]'")
    with sync.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        tab, seen = context.new_page(), Seen()
        tab.on("console", lambda m: seen.console.append(f"{m.type}: {m.text}"))
        tab.on("pageerror", lambda e: seen.console.append(f"error: {e}"))
        tab.on("request", lambda r: seen.requests.append(r.url))
        tab.goto(page.as_uri(), wait_until="load")
        try:
            yield tab, seen
        finally:
            browser.close()
