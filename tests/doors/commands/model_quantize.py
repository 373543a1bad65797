"""Rows of `fos model quantize`."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.kit.folder import MODELS
from tests.doors.row import Command, each, hostile

_TO = ("model", "quantize", "model")
_GPTQ = (*_TO, "new", "--method", "gptq")


def _option(option: str, value: str, *more: str) -> tuple[str, ...]:
    return (*_TO, "new", option, value, *more)


def _text(value: str, *more: str) -> tuple[str, ...]:
    return (*_GPTQ, "--calibration", value, *more)


ROWS = [
    *each(
        "model quantize MODEL",
        [(n, n) for n in MODELS],
        "model",
        "quantize",
        "{}",
        "new",
        named=("config.json",),
    ),
    *each(
        "model quantize MODEL",
        [
            ("a file", "file"),
            ("a folder without a model", "taken"),
            ("a pipe", "pipe"),
            ("a loop", "loop.json"),
        ],
        "model",
        "quantize",
        "{}",
        "new",
    ),
    *hostile("model quantize MODEL", "model", "quantize", "{}", "new"),
    *each(
        "model quantize DST",
        [
            ("a folder that is not empty", "taken"),
            ("the model itself", "model"),
            ("a file", "file"),
            ("a pipe", "pipe"),
            ("a name of 300 characters", "n" * 300),
        ],
        *_TO,
        "{}",
    ),
    *hostile("model quantize --recipe", *_option("--recipe", "{}"), named=("recipe",)),
    Command(
        "model quantize --recipe",
        "one that cannot be stored",
        _option("--recipe", "fouroversix-if4-mse"),
        ("fouroversix-if4-mse", "compressed-tensors stores", "4over6"),
    ),
    Command("model quantize --recipe", "one of rows", _option("--recipe", "te-nvfp4-row"), ("te-nvfp4-row",)),
    Command(
        "model quantize --recipe",
        "one of random bits",
        _option("--recipe", "te-train-gradient"),
        ("random bits",),
    ),
    *hostile("model quantize --method", *_option("--method", "{}"), named=("rtn", "gptq")),
    Command("model quantize --method", "in other case", _option("--method", "GPTQ"), ("GPTQ", "gptq")),
    Command("model quantize --method", "without a text", _GPTQ, ("gptq", "text")),
    Command("model quantize --calibration", "for rtn", _option("--calibration", "text.txt"), ("rtn", "text")),
    Command("model quantize --calibration", "no UTF-8", _text("x.npy"), ("x.npy", "UTF-8")),
    *each(
        "model quantize --calibration",
        [("nowhere", "nowhere.txt"), ("a folder", "taken"), ("a pipe", "pipe"), ("no end", "zeros.json")],
        *_text("{}"),
    ),
    *hostile("model quantize --calibration", *_text("{}")),
    *each("model quantize --windows", NOT_WHOLE, *_text("text.txt", "--windows", "{}")),
    *each(
        "model quantize --windows",
        [("none", "0"), ("too many", "9999999")],
        *_text("text.txt", "--windows", "{}"),
    ),
    *each("model quantize --length", NOT_WHOLE, *_text("text.txt", "--length", "{}")),
    *each(
        "model quantize --length",
        [("one", "1"), ("too many", "9999999")],
        *_text("text.txt", "--length", "{}"),
    ),
]
