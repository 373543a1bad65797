"""Files that are called .gguf: a whole one, and each that is none."""

from __future__ import annotations

from tests.outside.gguf_bytes import REFUSED, VALID

LIES = {what.replace(" ", "-").replace("^", "-"): data for what, (data, _) in REFUSED.items()}


def files() -> dict[str, bytes]:
    """Return m.gguf, which is whole, the same under the name of another form, and the ones that are not."""
    whole = VALID["a tensor"]
    return {f"{n}.gguf": d for n, d in LIES.items()} | dict.fromkeys(
        ("m.gguf", "gguf.safetensors", "gguf.npy", "gguf.json"), whole
    )
