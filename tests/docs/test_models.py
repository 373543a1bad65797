"""docs/models.md and README: figures are those of the report that a GPU made."""

from __future__ import annotations

import json
import re

from tests.docs.document import ROOT, text_of

TEXT = text_of("models.md")
PAGE = (ROOT / "reports" / "models-matrix.md").read_text(encoding="utf-8")
MATRIX = json.loads((ROOT / "reports" / "models-matrix.json").read_text(encoding="utf-8"))


def test_the_table_is_the_report_s():
    first = TEXT.index("| recipe | draws |")
    table = TEXT[first : TEXT.index("\n\n", first)]
    assert table.count("\n") == 9
    assert table in PAGE


def test_the_bits_of_the_device_were_those_of_the_model():
    assert not any(b["differing"] for b in MATRIX["bits"].values())
    blocks = sum(b["blocks"] for b in MATRIX["bits"].values())
    assert f"0 of {blocks:,} blocks differing" in TEXT


def test_no_order_is_claimed_that_the_report_does_not_resolve():
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)[2:]
    assert [p.partition(",")[0].partition("\n")[0] for p in parts] == [
        "Weights and activations",
        "Weights and activations",
        "Weights alone",
        "Activations alone",
        "Activations alone",
    ]
    for place, part in enumerate(parts):
        ordered, _, not_ordered = part.partition("Cannot be ordered: ")
        for name in ("4over6", "4over6-mae", "4over6-absmax", "te-mse-448", "fpquant-4over6-mse"):
            assert f"{name} < nvfp4 (" in ordered
        assert "te-mse-448 and 4over6 (" in not_ordered or "4over6 and te-mse-448 (" in not_ordered
        if place < 3:  # over ten draws
            assert "4over6 and 4over6-mae (" in not_ordered
        if place < 2:
            for name in ("4over6", "4over6-mae", "4over6-absmax", "te-mse-448", "fpquant-4over6-mse"):
                assert f"fouroversix-if4-mse < {name} (" in ordered


def test_the_line_of_the_readme_is_the_report_s():
    row = next(line for line in PAGE.splitlines() if line.startswith("| `4over6` | 10 |"))
    assert "-0.0516 ± 0.0158" in row
    assert "4/6 takes 0.052 ± 0.016 of NVFP4's 0.460 nats" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "+0.4601" in next(line for line in PAGE.splitlines() if line.startswith("| `nvfp4` | 10 |"))


def test_the_methods_are_the_report_s():
    page = (ROOT / "reports" / "models-ptq.md").read_text(encoding="utf-8")
    run = json.loads((ROOT / "reports" / "models-ptq.json").read_text(encoding="utf-8"))
    first = TEXT.index("| recipe | rtn |")
    assert TEXT[first : TEXT.index("\n\n", first)] in page
    assert not any(b["different"] for b in run["block_scales"].values())
    gains = page[page.index("Each recipe minus nvfp4") : page.index("Each method minus RTN")]
    row = {
        line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in gains.splitlines() if "+-" in line
    }
    rtn, awq, smoothquant, gptq, rechosen = row["4over6"]
    assert (rtn, awq) == ("-0.0320 +- 0.0120", "-0.0269 +- 0.0070")
    assert smoothquant.endswith("?")
    assert gptq.endswith("?")
    assert rechosen.startswith("-0.0148 +- 0.0124")
    assert all(not cell.rstrip(" |").endswith("?") for cell in row["scale-optimum"][:4])
    assert row["fouroversix-if4-mse"][3].endswith("?")
