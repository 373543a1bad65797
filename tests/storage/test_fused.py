"""Which weights share a tensor scale because a runtime joins them."""

from __future__ import annotations

from fos_ref.storage.fused import fused_groups, halves


def test_gate_and_up_of_one_expert_are_a_group_and_not_those_of_two():
    names = [f"m.experts.{e}.{w}.weight" for e in range(2) for w in ("up_proj", "down_proj", "gate_proj")]
    assert fused_groups(names) == [
        (f"m.experts.{e}.gate_proj.weight", f"m.experts.{e}.up_proj.weight") for e in range(2)
    ]


def test_attention_without_one_of_three_is_still_a_group():
    assert fused_groups(["a.v_proj.weight", "a.q_proj.weight", "b.k_proj.weight"]) == [
        ("a.q_proj.weight", "a.v_proj.weight")
    ]


def test_slices_of_stacked_experts_pair_by_their_number():
    names = ["e.gate_proj[0]", "e.up_proj[1]", "e.up_proj[0]"]
    assert fused_groups(names) == [("e.gate_proj[0]", "e.up_proj[0]")]


def test_a_name_alone_is_a_member_too():
    assert fused_groups(["w3.weight", "w1.weight", "w2.weight"]) == [("w1.weight", "w3.weight")]


def test_the_halves_of_an_expert():
    assert halves(["w13_weight[0][1]", "w13_weight[0][0]", "w2_weight[1]"]) == [
        ("w13_weight[0][0]", "w13_weight[0][1]")
    ]
