"""The proof of the checker, small: its quantizer against the recipes and the mutants, and how it counts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import fos_ref
from fos_ref.check.api import check
from fos_ref.check.diagnosis import Cause, Diagnosis
from fos_ref.inputs.aims import Aim, AIMS, block_at, bytes_for
from fos_ref.inputs.choice_edges import AMAX, choice_edges
from fos_ref.inputs.distributions import make
from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.proof.checker import legal
from fos_ref.proof.checker import proof as checker
from fos_ref.proof.checker.bugs import BUGS, planted, QUANTIZERS
from fos_ref.proof.checker.proof import Tally, Task
from fos_ref.recipes import PRESETS
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.layout import swizzle
from fos_ref.vectors.distinguishing.check import read_mutants, VECTORS

ROWS = 16
COMMITTED = (Path(__file__).parents[2] / "golden" / VECTORS).read_bytes()
#: Mistake of the plain quantizer -> the mutant of the NumPy model that makes it, on the recipe it is made in.
TWINS = {
    "nibbles": "nibbles-swapped",
    "column-major": "scales-column-major",
    "transposed": "blocks-columnwise",
    "other-bound": "bound-448",
    "inverted": "tensor-scale-inverted",
    "bf16-amax": "amax-in-bfloat16",
    "other-granularity": "amax-of-row",
    "metric-mse": "metric-mse",
    "metric-mae": "metric-mae",
    "metric-absmax": "metric-absmax",
    "four-wins-ties": "tie-four",
    "always-six": "always-six",
    "always-four": "always-four",
    "scale-up": "scale-rounded-up",
    "scale-down": "scale-truncated",
    "scale-flushed": "scale-subnormals-flushed",
    "scale-clamped": "scale-at-least-min-normal",
    "scale-nan": "scale-overflows-to-nan",
    "expand-after": "expand-after-rounding",
    "folded": "base-folded-reciprocal",
    "product-first": "base-product-first",
    "reciprocal-amax": "tensor-scale-by-reciprocal",
    "sixth": "base-times-sixth",
    "divided": "elements-divided",
    "reciprocal-error": "error-by-reciprocal",
    "ties-away": "e2m1-ties-away",
    "ties-to-zero": "e2m1-ties-to-zero",
    "unsaturated": "e2m1-unsaturated",
    "zero-scale": "zero-scale-divides",
    "no-negative-zero": "negative-zero-lost",
    "zero-sign": "negative-zero-input-lost",
    "via-bf16": "scaled-in-bfloat16",
    "via-fp16": "scaled-in-float16",
    "ftz-input": "input-flushed",
    "ftz-scales": "decode-scale-flushed",
    "ftz-error": "square-flushed",
    "scaled-domain": "error-in-scaled-domain",
    "decode-domain": "error-by-decode-scale",
    "fma": "error-contracted",
    "order-numpy": "order-numpy",
    "order-reversed": "order-reversed",
    "order-threads": "order-halves",
    "order-shuffle": "order-tree",
}
RARE = ("tensor-scale-by-reciprocal", "square-flushed")  #: shown by the input that was searched for them
#: Here a scaled value is 7, the tie of 6 and 8: the mutant goes to the even code, the plain quantizer stays.
A_SEVEN = ("unsaturated", "scale-midpoint")


@cache
def inputs(preset):
    """Return distributions, values that are subnormal or whose squares are, and blocks at boundaries."""
    r = PRESETS[preset]
    coarse = make("coarse", (ROWS, 4 * BLOCK), 1)
    found = {name: make(name, (ROWS, 4 * BLOCK), 1) for name in ("normal", "coarse")}
    found |= {"tiny squares": coarse * np.float32(1e-20), "subnormal": coarse * np.float32(2e-38)}
    found["tiny"] = make("normal", (ROWS, 4 * BLOCK), 1) * np.float32(3e-37)
    for v in read_mutants(COMMITTED):
        if v.mutant in RARE:
            found[v.mutant] = np.repeat(v.input.x, ROWS, axis=0)
    blocks = {aim.value: aimed(aim, r) for aim in AIMS if aim.suits(r) and aim is not Aim.CHOICE_EDGE}
    if r.chooses:
        blocks["choice edges"] = choice_edges(r, 400, 1)
    for name, given in blocks.items():
        x = (
            given[: len(given) // (4 * ROWS) * 4 * ROWS][: 16 * ROWS]
            .reshape(-1, 4 * BLOCK)
            .astype(np.float32)
        )
        x[slice(None) if r.amax_scope is AmaxScope.ROW else slice(1), 0] = AMAX
        found[name] = x
    return tuple(found.items())


def aimed(aim, r):
    """Return 64 blocks at a boundary, under the tensor amax AMAX."""
    rng = np.random.Generator(np.random.Philox(key=AIMS.index(aim)))
    drawn = [rng.bytes(bytes_for(aim, r)) for _ in range(4 * ROWS)]
    return np.concatenate([block_at(aim, r, np.float32(AMAX), "float32", b) for b in drawn])


def bytes_of(q):
    return q.codes.tobytes() + q.block_scales.tobytes()


def bytes_by(preset, x, *bugs):
    codes, scales = planted(preset, *bugs)(x)
    return codes.tobytes() + scales.tobytes()


@cache
def right(preset, name):
    return bytes_by(preset, dict(inputs(preset))[name])


@pytest.mark.sample(2)
@pytest.mark.parametrize("preset", QUANTIZERS)
def test_without_a_mistake_it_gives_the_preset_s_bytes_at_every_boundary(preset):
    for name, x in inputs(preset):
        assert right(preset, name) == bytes_of(fos_ref.quantize(x, preset, engine="numpy")), name


@pytest.mark.sample(1)
@pytest.mark.parametrize("bug", TWINS)
def test_a_mistake_gives_the_bytes_of_the_mutant_that_makes_it(bug):
    """Two codes that share nothing; the mistake shows on some input, so that equal bytes say something."""
    m = MUTANTS[TWINS[bug]]
    shown = 0
    for name, x in inputs(m.recipe):
        if (bug, name) == A_SEVEN:
            continue
        wrong = bytes_by(m.recipe, x, bug)
        assert wrong == bytes_of(m.quantize(x, m.recipe)), name
        shown += wrong != right(m.recipe, name)
    assert shown


@pytest.mark.long
def test_a_swizzle_is_that_of_the_storage():
    for preset, (_, x) in ((p, inputs(p)[0]) for p in QUANTIZERS):
        right = fos_ref.quantize(x, preset, engine="numpy")
        codes, scales = planted(preset, "swizzled")(x)
        assert codes.tobytes() == right.codes.tobytes()
        assert scales.tobytes() == swizzle(right.block_scales).tobytes()


@pytest.mark.long
@pytest.mark.parametrize(
    ("bug", "family", "rows"),
    [("ftz", "tiny", 4), ("order-four-accumulators", "choice edges", 64), ("swizzled", "normal", 16)],
)
def test_a_mistake_without_a_twin_is_the_one_that_the_checker_names(bug, family, rows):
    x = dict(inputs("4over6"))[family][:rows]
    found = check(x, *planted("4over6", bug)(x), recipe="4over6")
    assert not found.equal
    assert bug in BUGS[found.flags[0]]


# --- how it counts -------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """One small family in place of all of them, and nothing remembered."""
    monkeypatch.setattr(checker, "inputs", lambda preset: (("coarse", dict(inputs(preset))["coarse"]),))
    checker._makers.cache_clear()
    yield
    checker._makers.cache_clear()


TASKS = [
    Task("stands", "4over6"),
    Task("clean", "4over6-16x16"),
    Task("clean", "nvfp4"),
    Task("single", "4over6", ("NibbleOrder",)),
    Task("single", "4over6", ("FmaContraction",)),
    Task("double", "4over6", ("NibbleOrder", "MetricMae")),
]


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_run_counts_cases_and_says_how_far_it_is(monkeypatch):
    seen = []
    monkeypatch.setattr(checker, "tasks", lambda: TASKS)
    found = checker.run(lambda *done: seen.append(done), 1)
    assert seen == [(i, len(TASKS)) for i in range(len(TASKS) + 1)]
    assert found.compared == 2
    assert found.figures["causes named on clean bytes"] == 0
    assert found.figures["bytes in which the plain quantizers differ"] == 0
    flags = found.figures["flags"]
    assert set(flags) == set(BUGS)
    nibbles = flags["NibbleOrder"]
    assert (nibbles["cases"], nibbles["named"], nibbles["families"], nibbles["misses"]) == (1, 1, 1, [])
    unseen = flags["FmaContraction"]  # no error of this input needs a second rounding
    assert (unseen["cases"], unseen["undecidable"]) == (0, 0)
    assert (found.figures["two at once"]["cases"], found.figures["two at once"]["named"]) == (1, 1)


def test_the_tasks_are_every_flag_every_pair_and_every_preset():
    kinds = ("stands", "clean", "single", "double", "large", "judged", "legal")
    counts = {k: sum(t.kind == k for t in checker.tasks()) for k in kinds}
    recipes = len({r.name for r in PRESETS.values()})
    pairs = len(BUGS) * (len(BUGS) - 1) // 2
    of_flags = {"single": 6 * len(BUGS), "double": 2 * pairs, "large": len(BUGS)}
    assert counts == {"stands": 6, "clean": recipes, "judged": 2, "legal": 100} | of_flags
    assert legal.TASKS * legal.PER_TASK == 10_000


@pytest.mark.usefixtures("small")
def test_a_wrong_quantizer_and_a_cause_on_other_bytes_are_counted(monkeypatch):
    monkeypatch.setattr(checker, "planted", lambda p: planted(p, "nibbles"))
    x = dict(inputs("4over6"))["coarse"]
    right, wrong = planted("4over6")(x)[0], planted("4over6", "nibbles")(x)[0]
    assert checker.stands_for("4over6") == np.count_nonzero(right != wrong) > 0
    other = lambda x, _, **given: fos_ref.quantize(x, "4over6-mae", **given)  # noqa: E731
    monkeypatch.setattr(checker, "quantize", other)
    assert checker.clean("4over6") == 1


@pytest.mark.usefixtures("small")
def test_bytes_that_two_flags_give_are_no_case(monkeypatch):
    monkeypatch.setattr(checker, "BUGS", {"NibbleOrder": ("nibbles",), "AlwaysSix": ("nibbles",)})
    assert checker.single("4over6", "NibbleOrder") == Tally(undecidable=1)


@pytest.mark.usefixtures("small")
def test_rows_of_their_own_amax_are_not_turned():
    assert checker.single("te-mae-256-row", "Transposed").cases == 0
    assert checker.single("4over6", "Transposed").named == 1


@pytest.mark.usefixtures("small")
def test_a_mistake_that_is_not_first_is_a_miss_and_its_rival_is_said_so(monkeypatch):
    first = Cause(flag="Bound", blocks=1, what="", rivals=("NibbleOrder",))
    monkeypatch.setattr(
        checker,
        "check",
        lambda *_, recipe, **__: Diagnosis(recipe=recipe, blocks=2, mismatching_blocks=1, causes=(first,)),
    )
    found = checker.single("4over6", "NibbleOrder")
    assert (found.cases, found.named, found.alike) == (1, 0, 1)
    assert found.misses == ["4over6 nibbles coarse: Bound"]
    assert checker.single("4over6", "MetricMae").alike == 0
