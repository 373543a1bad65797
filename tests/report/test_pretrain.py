"""The page of pretraining: gaps by hand, intervals by scipy's own test, every file announced."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from scipy import stats

from fos_ref.errors import InputError
from fos_ref.pretrain.config import config_of
from fos_ref.pretrain.results import FILES, gaps, read_results, Results
from fos_ref.report.pretrain import text
from fos_ref.report.pretrain.documents import files
from fos_ref.report.pretrain.tables import paired, replays, runs

CONFIG = config_of({"arms": ["bfloat16", "nvidia", "quartet2"], "models": ["hybrid"]})
LOSSES = {
    "bfloat16": [2.5, 2.51, 2.49, 2.52, 2.5],
    "nvidia": [2.53, 2.55, 2.515, 2.53, 2.54],
    "quartet2": [2.51, 2.5, 2.5],
}


@pytest.fixture(scope="module")
def results():
    made = Results(CONFIG, {"device": "none", "torch": "0"})
    for arm, losses in LOSSES.items():
        for seed, loss in enumerate(losses):
            row = {"model": "hybrid", "arm": arm, "seed": seed, "held_out": loss, "train": loss, "floor": 2.4}
            made.add(row | {"seconds": 1.0, "steps": 600, "curve": [3.0, loss]})
    made.replays.append({"run": "hybrid-nvidia-0", "step": 20, "layer": "a"})
    made.replays[-1] |= {"codes": 100, "scales": 10, "amaxes": 6, "differing": 0}
    made.restarts.append({"model": "hybrid", "arm": "nvidia", "seed": 0, "stopped_after": 300})
    made.restarts[-1] |= {"losses": 601, "differing": 1}
    return made


def above_bfloat16(arm):
    """Return the differences of the seeds that both have."""
    return [loss - base for loss, base in zip(LOSSES[arm], LOSSES["bfloat16"], strict=False)]


def test_gaps_are_paired_by_seed(results):
    (nvidia, quartet) = gaps(results.runs)
    assert nvidia.differences == above_bfloat16("nvidia")
    assert (quartet.arm, quartet.seeds) == ("quartet2", [0, 1, 2])
    assert quartet.differences == above_bfloat16("quartet2")


def test_intervals_are_those_of_students_t(results):
    table = paired(results).set_index(["arm", "against"])
    for arm in ("nvidia", "quartet2"):
        n = len(LOSSES[arm])
        want = stats.ttest_rel(LOSSES[arm], LOSSES["bfloat16"][:n]).confidence_interval(0.95)
        row = table.loc[arm, "bfloat16"]
        assert [f"{end:.9f}" for end in (row.gap - row.half_width, row.gap + row.half_width)] == [
            f"{end:.9f}" for end in want
        ]
        assert row.differs == (want.low > 0 or want.high < 0)
    assert [bool(table.loc[a, "bfloat16"].differs) for a in ("nvidia", "quartet2")] == [True, False]
    assert table.loc["bfloat16", "nvidia"].gap == -table.loc["nvidia", "bfloat16"].gap


def test_tables_have_every_run_replay_and_restart(results):
    assert len(runs(results)) == 13
    assert (runs(results)["above_floor"] == runs(results)["held_out"] - 2.4).all()
    assert replays(results)["differing"].tolist() == [0, 1]


@pytest.mark.exhaustive
def test_files_are_those_announced(results):
    made = files(results)
    assert sorted(made) == sorted(FILES)
    assert Image.open(io.BytesIO(made["pretraining-loss.png"])).size[0] > 500


def test_the_page_says_what_was_found(results):
    page = text.page(results, None)
    assert "| hybrid | nvidia | 5 | +0.02900 | ± 0.01546 |" in page
    assert "100 codes, 10 block scales and 6 amaxes; 0 differ." in page
    assert "601 losses, 1 differ in any bit." in page
    assert "no training in FP4" in page


def test_results_are_read_again(results, tmp_path):
    path = tmp_path / "pretraining.json"
    path.write_bytes(results.document())
    again = read_results(path, CONFIG, results.machine)
    assert again == results
    assert again.has("hybrid", "quartet2", 2)
    assert not again.has("hybrid", "quartet2", 3)
    with pytest.raises(InputError, match="results under another steps"):
        read_results(path, config_of({"steps": 601}), {})
    path.write_text('{"config": {}, "made_on": [], "runs": [{}], "replays": [], "restarts": []}')
    with pytest.raises(InputError, match="/runs/0/model: missing"):
        read_results(path, config_of({}), {})


def test_a_run_that_diverged_stops_neither_the_page_nor_the_next_call(results, tmp_path):
    runs_ = [dict(r) for r in results.runs]
    runs_[6] |= {"held_out": float("nan"), "curve": [3.0, float("nan")]}
    made = Results(CONFIG, results.machine, results.made_on, runs_, results.replays, results.restarts)
    assert "| hybrid | nvidia | 5 | +nan | no interval |" in text.page(made, None)
    path = tmp_path / "pretraining.json"
    path.write_bytes(made.document())
    assert repr(read_results(path, CONFIG, results.machine).runs) == repr(runs_)
    runs_[0]["curve"] = [3.0]
    path.write_bytes(made.document())
    with pytest.raises(InputError, match="curves of more than one length"):
        read_results(path, CONFIG, results.machine)


def test_a_later_call_elsewhere_does_not_say_that_it_made_the_runs(results, tmp_path):
    path = tmp_path / "pretraining.json"
    path.write_bytes(results.document())
    later = read_results(path, CONFIG, {"device": "another", "torch": "1"})
    assert later.made_on == results.made_on == [{"device": "none", "torch": "0"}]
    assert later.document() == results.document()
    later.add(later.runs[0])
    assert [m["device"] for m in later.made_on] == ["none", "another"]
    assert "Made on none, torch 0 and another, torch 1." in text.page(later, None)
