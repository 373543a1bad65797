"""docs/testing-your-kernel.md: its examples print what it says; the part on torchao beside torchao itself."""

from __future__ import annotations

import re

import pytest

from fos_ref.conformance.trials import SHAPES
from tests.differential.peers.base import PeerMissing
from tests.differential.peers.torchao import TorchAO
from tests.docs.document import failing_examples, text_of

OWN, _, TORCHAO = text_of("testing-your-kernel.md").partition("## A real kernel: torchao")


@pytest.mark.long
def test_examples_print_what_the_document_says():
    attempted, report = failing_examples(OWN)
    assert attempted >= 17
    assert report == ""


@pytest.mark.peer
@pytest.mark.filterwarnings("default")
def test_the_example_with_torchao_prints_what_the_document_says():
    try:
        TorchAO().load()
    except PeerMissing as reason:
        pytest.skip(str(reason))
    attempted, report = failing_examples(OWN + TORCHAO)
    assert attempted >= 25
    assert report == ""


def test_the_torch_part_is_the_last_and_the_only_one():
    assert "torch" in TORCHAO
    assert not re.search(r"^>>> .*torch", OWN, re.MULTILINE)
    assert len(SHAPES) >= 6
