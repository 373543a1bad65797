"""The text that a method looks at, as rows of token numbers: windows of one length, one behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fos_ref.arguments import whole
from fos_ref.errors import InputError
from fos_ref.outside.files import read_file

LONGEST = 1 << 20  #: tokens of a window, and windows
MOST_BYTES = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A file of UTF-8 text, of which the first `windows` windows of `length` tokens are looked at."""

    path: Path
    windows: int = 128
    length: int = 512

    def __post_init__(self) -> None:
        whole(self.windows, "windows", 1, LONGEST)
        whole(self.length, "length", 2, LONGEST)

    def read(self) -> str:
        """Return the text. Raises: OSError; InputError for bytes that are no UTF-8."""
        try:
            return read_file(self.path, MOST_BYTES, InputError).decode("utf-8")
        except UnicodeDecodeError as error:
            msg = f"{self.path}: byte {error.start:,} is no UTF-8: a file of UTF-8 text is allowed"
            raise InputError(msg) from None


def rows(text: Calibration, tokenizer: Any) -> list[list[int]]:
    """Return the windows that the method looks at; InputError for a text that is too short for them."""
    ids = tokenizer(text.read(), add_special_tokens=False, verbose=False)["input_ids"]
    there = len(ids) // text.length
    if there < text.windows:
        needs = f"{text.windows:,} windows of {text.length:,}"
        msg = f"{text.path} has {len(ids):,} tokens, {there:,} windows: a text of {needs} is allowed"
        raise InputError(msg)
    return [ids[i * text.length : (i + 1) * text.length] for i in range(text.windows)]
