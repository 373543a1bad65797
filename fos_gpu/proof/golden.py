"""`python -m fos_gpu.proof.golden`: the golden vectors under the engine "cuda", from a checkout, on a GPU."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from fos_gpu.build.machine import card
from fos_gpu.proof.command import execute, parser, whole
from fos_ref.errors import InputError
from fos_ref.errors.guard import guarded
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.vectors.chain import STEPS
from fos_ref.vectors.on_disk import read_written
from fos_ref.vectors.verify import verify

ENGINE = "cuda"
CHAIN_STEPS = 1000  #: of each chain, of 10,000: ten million blocks


def run(folder: Path, steps: int, progress: Progress, _: int) -> Finding:
    """Verify every file of a golden folder; ToolchainError where no kernel can run."""
    if not 0 <= steps <= STEPS:
        msg = f"--steps {steps}: 0 to {STEPS} are allowed"
        raise InputError(msg)
    files = read_written(folder)
    names: list[str] = []

    def say(name: str) -> None:
        names.append(name)
        progress(len(names), len(files))

    found = verify(files, ENGINE, steps=steps, progress=say)
    return Finding(
        compared=found.vectors,
        unexplained=len(found.failures),
        figures={
            "files": len(names),
            "vectors": found.vectors,
            "steps of each chain": steps,
            "differences": [
                f"{f.vector}: {f.what} is {f.got}, committed is {f.want}" for f in found.failures
            ],
        },
        not_run=found.not_run,
    )


PROOF = Proof(
    name="golden-device",
    claim="The kernels give every bit of the golden vectors, on the GPU named below.",
    run=partial(run, Path("golden"), CHAIN_STEPS),
    minutes=3,
)


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    arguments = parser(PROOF)
    arguments.add_argument("--golden", type=Path, default=Path("golden"), metavar="DIR", help="the vectors")
    arguments.add_argument("--steps", type=whole, default=CHAIN_STEPS, metavar="N", help="of each chain")
    given = arguments.parse_args(argv)
    return execute(replace(PROOF, run=partial(run, given.golden, given.steps)), given, card())


if __name__ == "__main__":
    sys.exit(main())
