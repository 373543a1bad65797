"""The peers' own test files as judges: what each said of the presets that stood in its kernels' place.

`tests/differential/judges` runs them; `docs/status.md` shows the counts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Judged:
    """One run of a peer's test file, its references and assertions untouched."""

    name: str  #: of the option `--peer-tests NAME=FOLDER`
    repository: str
    commit: str
    file: str
    sha256: str  #: of that file
    presets: str  #: in the kernels' place; the peer's arguments say which one of the family
    cases: str  #: which of the file's cases were asked
    passed: int
    failed: int
    skipped: int  #: by the file itself
    date: str


_TE = (
    "transformer-engine",
    "NVIDIA/TransformerEngine",
    "d0067d0da6cb01811b8072a7d304f0e00344ce2b",
    "tests/pytorch/nvfp4/test_nvfp4_quantize_exact.py",
    "d15b05fcb301d483e6e3048dad1ade1f373c1c60b9ccb9ad15bd553ae94ce840",
)
_TE_CASES = "shapes of up to 97,280 values"

JUDGED: tuple[Judged, ...] = (
    Judged(*_TE, "te-cuda-*", _TE_CASES, passed=1232, failed=0, skipped=938, date="2026-12-01"),
    Judged(*_TE, "te-*", _TE_CASES, passed=1232, failed=0, skipped=938, date="2026-12-01"),
    Judged(
        "flashinfer",
        "flashinfer-ai/flashinfer",
        "fb28d7242b3506a2348265962041acc1fb56cca4",
        "tests/utils/test_fp4_quantize.py",
        "d97475a85394e7dc5f57d99a3166acba8cc112c5fd2c7b01ef0004d876e205de",
        "flashinfer-*",
        "quantization (40 of 40), the bitwise reference and round trips up to 32,768 values, layouts",
        passed=3221,
        failed=0,
        skipped=0,
        date="2026-12-01",
    ),
    Judged(
        "torchao",
        "pytorch/ao",
        "36027d82d1ad9949597ea16002ff4940374b1b94",
        "test/prototype/moe_training/nvfp4_training/test_quantize_2d.py",
        "c558d3578e7f19bba01d6983ebfad6edb5b93e9b41694fe6f9cf395770eb7c3f",
        "torchao-train-*",
        "all but the capture of a CUDA graph",
        passed=110,
        failed=0,
        skipped=15,
        date="2026-12-01",
    ),
    Judged(
        "modelopt",
        "NVIDIA/Model-Optimizer",
        "a2fbac7bad8ab446d3f8783dadb0c3366eb0ad73",
        "tests/unit/torch/quantization/test_nvfp4_tensor.py",
        "fe04f8f4219860026a4694a1f33ce83cee56d9abf911955254e7ab8a050b87f8",
        "modelopt-*",
        "all",
        passed=6,
        failed=0,
        skipped=0,
        date="2026-12-01",
    ),
    Judged(
        "fouroversix",
        "mit-han-lab/fouroversix",
        "dadfad6901d473a734fe71e0b082e70ee993e23a",
        "tests/test_quantize.py",
        "b7cf8d1525b7298ef6a4bd8d364c5e79838910e490ebd4644e6ff165e0f923fd",
        "fouroversix-*",
        "back ends beside PyTorch's on (512, 1024), 10 seeds each, without rotation and transpose",
        passed=108,
        failed=0,
        skipped=0,
        date="2026-12-01",
    ),
)
