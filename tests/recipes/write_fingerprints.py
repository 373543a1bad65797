"""Write fingerprints.json beside this file: the pinned identity of every preset.

Run `python tests/recipes/write_fingerprints.py` after a preset has changed on purpose, and
say in CHANGELOG.md which bits changed.
"""

from __future__ import annotations

import json
from pathlib import Path

import fos_ref

TARGET = Path(__file__).with_name("fingerprints.json")

if __name__ == "__main__":
    every = {**fos_ref.PRESETS, **fos_ref.STOCHASTIC}
    pinned = {name: recipe.fingerprint() for name, recipe in sorted(every.items())}
    TARGET.write_text(json.dumps(pinned, indent=1) + "\n", encoding="utf-8")
