"""Program: the tiny models as `save_pretrained` writes them, one of them in shards. Argument: the folder."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.differential.checkpoints.models import KINDS, quiet, save


def main(out: Path) -> None:
    quiet()
    for kind in KINDS:
        save(kind, out)
    save("mixtral", out / "sharded", max_shard_size="100KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
