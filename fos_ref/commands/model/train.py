"""`fos model train`: small models whose linear layers' products are quantized as stacks do, arms in pairs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, one_of, whole
from fos_ref.commands.output import finite, say_json
from fos_ref.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fos_ref.pretrain.results import Results

DEVICES = ("auto", "cpu", "cuda")
_EVERY = 60.0  #: seconds between two times that the files are written


def train(  # noqa: PLR0917 -- typer reads the parameters
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG.json", help="What is trained; {} is the default.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the files go, and are taken up again.")
    ] = Path("pretraining"),
    device: Annotated[str, one_of(DEVICES, "Where it trains.")] = "auto",
    seconds: Annotated[
        int | None, whole("Start no run that would end later. [default: make all]", 1, 1 << 30)
    ] = None,
    restart: Annotated[  # noqa: FBT002
        bool, typer.Option("--restart", help="Also stop a run of each model, take it up, compare each loss.")
    ] = False,
    eager: Annotated[  # noqa: FBT002
        bool, typer.Option("--eager", help="Start each kernel by itself, not as a CUDA graph.")
    ] = False,
    gradients: Annotated[  # noqa: FBT002
        bool, typer.Option("--gradients", help="Also measure each stack's gradients on the captured layer.")
    ] = False,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Train small models under several arms: paired losses, replayed codes, gaps with intervals.

    Runs that DIR has are not made again, and a run that was stopped goes on from its checkpoint. Under
    torchrun the processes share each batch; codes do not depend on their number. The files are written while
    it runs: pretraining.md, its tables (CSV) and figure (PNG), pretraining.json with every run.
    """
    from fos_ref.pretrain.config import read_config
    from fos_ref.pretrain.results import DOCUMENT, FILES, read_results
    from fos_ref.publish.publication import check_targets
    from fos_ref.publish.targets import Targets

    chosen = read_config(config)
    check_targets(Targets(out, FILES, inputs=[config]))
    read_results(out / DOCUMENT, chosen, {})
    results = _made(chosen, out, device, seconds, restart=restart, graph=not eager)
    if results is not None:
        _finish(results, out, gradients=gradients, as_json=as_json)


def _made(
    chosen: Any, out: Path, device: str, seconds: int | None, *, restart: bool, graph: bool
) -> Results | None:
    """Make the runs; None in every process but the first."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from fos_ref.report.console import progress

    try:
        from fos_ref.pretrain.loop.runs import train as make
    except ImportError as e:
        if e.name != "torch":
            raise
        msg = "training needs torch: pip install 'fos-ref[models]'"
        raise ToolchainError(msg) from e
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:

        def begin(name: str, steps: int) -> Callable[[int, int], None]:
            for task in bar.task_ids:
                bar.remove_task(task)
            own = bar.add_task(name, total=steps)
            return lambda done, _: bar.update(own, completed=done)

        return make(
            chosen,
            out,
            device=device,
            graph=graph,
            seconds=seconds,
            restarts=restart,
            begin=begin,
            publish=_Publish(out),
        )


class _Publish:
    """Writes the files after a run, but not each minute twice; a line to the error stream for each run."""

    def __init__(self, out: Path) -> None:
        self._out, self._last = out, 0.0

    def __call__(self, results: Results, *, last: bool) -> None:
        """Write, unless it was done a moment ago and more is to come."""
        from fos_ref.report.console import errors, plain

        if results.runs and not last:
            r = results.runs[-1]
            says = f"{r['model']} {r['arm']} {r['seed']}: held-out {r['held_out']:.5f}, {r['seconds']:.1f} s"
            errors().print(plain(says))
        if last or time.monotonic() - self._last > _EVERY:
            _write(results, self._out)
            self._last = time.monotonic()


def _write(results: Results, out: Path, gradients: Any = None) -> list[str]:
    from fos_ref.publish.publication import write_all
    from fos_ref.publish.targets import Targets
    from fos_ref.report.pretrain.documents import files

    if not results.runs:
        return []
    found = files(results, gradients)
    return [str(p) for p in write_all(Targets(out, list(found)), found)]


def _finish(results: Results, out: Path, *, gradients: bool, as_json: bool) -> None:
    """Measure gradients if asked, write everything, print the gaps."""
    from fos_ref.pretrain.results import gaps, LAYER
    from fos_ref.report.console import output, plain
    from fos_ref.report.pretrain import documents, text

    measured = documents.gradients(out / LAYER) if gradients else None
    written = _write(results, out, measured)
    if as_json:
        found = [
            {"model": g.model, "arm": g.arm, "gap": finite(g.mean), "seeds": g.seeds}
            for g in gaps(results.runs)
        ]
        differing = sum(r["differing"] for r in results.replays + results.restarts)
        say_json({"runs": len(results.runs), "gaps": found, "differing": differing, "written": written})
        return
    console = output()
    for line in text.page(results, measured).splitlines():
        console.print(plain(line))
    console.print(plain(f"Written to {out}: {', '.join(Path(w).name for w in written)}"))
