"""The tree of dialects against SciPy's single linkage, and by hand."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from fos_ref.report.dialects_figure import axes_in_words, drawn, groups
from fos_ref.report.neighbours import axes_between, tree


def test_the_joins_are_those_of_single_linkage():
    rng = np.random.default_rng(0)
    share = rng.random((9, 9))
    share = (share + share.T) * (1 - np.eye(9)) / 2
    names = [f"p{i}" for i in range(9)]
    found = tree(names, [[i] for i in range(9)], share)
    wanted = linkage(squareform(share), method="single")
    assert sorted(j.share for j in found.joins()) == sorted(wanted[:, 2])
    assert sorted(len(j.leaves) for j in found.joins()) == sorted(wanted[:, 3].astype(int))
    assert sorted(found.leaves) == list(range(9))


def test_the_nearest_presets_and_the_axes_that_part_them():
    names = ["4over6", "te-mse-256", "4over6-mae"]
    share = np.array([[0, 0, 0.2], [0, 0, 0.2], [0.2, 0.2, 0]])
    found = tree(names, groups([1, 1, 2]), share)
    assert (found.leaves, found.share) == ((0, 1), 0.2)
    assert found.presets == ("4over6", "4over6-mae")  # te-mse-256 differs in more axes
    assert found.axes == axes_between("4over6", "4over6-mae") == ("error_metric",)
    assert found.halves[0].presets == ("4over6", "te-mse-256")


def test_a_preset_that_is_not_known_has_no_axes():
    assert axes_between("4over6", "of another edition") == ()


def test_one_dialect_alone_is_drawn():
    found = tree(["4over6", "te-mse-256"], [[0, 1]], np.zeros((2, 2)))
    assert found.joins() == []
    assert drawn(found, ["4over6 +1"], "coarse", [], narrow=False).axes


def test_axes_are_named_up_to_a_length():
    assert axes_in_words(()) == ""
    assert axes_in_words(("tensor_scale", "block_scale"), 40) == "tensor_scale, block_scale"
    assert axes_in_words(("tensor_scale", "block_scale", "x"), 15) == "tensor_scale +2"
