"""Python packages: the extras of this one, and the peers whose programs the presets were compared with.

Nothing is imported: what is installed is read from its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from fos_ref.doctor.finding import Finding, found

#: Extra: (what it is for, the distributions that it needs).
EXTRAS = {
    "report": ("fos report: tables and figures", ("pandas", "matplotlib", "scipy", "pillow", "jinja2")),
    "torch": ("torch tensors", ("torch",)),
    "models": ("fos model eval and train", ("torch", "transformers", "tokenizers", "scipy")),
    "ptq": ("fos model quantize: GPTQ, AWQ, SmoothQuant", ("torch", "transformers", "llmcompressor")),
    "fleet": ("many workers, shards in a bucket", ("distributed", "fsspec", "s3fs")),
    "gpu": ("the CUDA kernels", ("cupy-cuda13x", "nvidia-cuda-nvrtc")),
    "nvrtc": ("compiling kernels without a GPU", ("nvidia-cuda-nvrtc",)),
    "rtl": ("exported designs driven by cocotb", ("cocotb",)),
    "test": ("this package's own tests", ("pytest", "pytest-xdist", "hypothesis")),
    "docs": ("the documentation site", ("sphinx", "myst-parser", "pydata-sphinx-theme")),
}
#: Distributions that do an extra's work as well.
_AS_WELL = {"cupy-cuda13x": ("cupy-cuda12x", "cupy"), "nvidia-cuda-nvrtc": ("nvidia-cuda-nvrtc-cu12",)}
#: Peer: the version that the presets were compared with (docs/status.md).
PEERS = {
    "fouroversix": "1.0.5",
    "transformer-engine": "2.20.2",
    "torchao": "0.18.0",
    "flashinfer-python": "0.7.4",
    "nvidia-modelopt": "0.47.0",
    "compressed-tensors": "0.20.0",
    "llmcompressor": "0.14.0.1",
    "auto-round": "0.16.1",
    "gptqmodel": "7.7.0",
    "qwix": "0.1.8",
    "mlx": "0.32.4",
    "gguf": "0.19.0",
}


def packages() -> Iterator[Finding]:
    """Yield a finding for each extra, then for each peer."""
    for name, (what, needs) in EXTRAS.items():
        helps = f"pip install 'fos-ref[{name}]'"
        yield found("extra", name, partial(_extra, name, what, needs, helps), helps)
    for name, compared in PEERS.items():
        helps = f"pip install --no-deps {name}=={compared}"
        yield found("peer", name, partial(_peer, name, compared, helps), helps)


def _installed(name: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    for distribution in (name, *_AS_WELL.get(name, ())):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return None


def _extra(name: str, what: str, needs: tuple[str, ...], helps: str) -> Finding:
    missing = [n for n in needs if _installed(n) is None]
    if missing:
        return Finding("extra", name, "missing", f"{what}; without {', '.join(missing)}", helps)
    return Finding("extra", name, "works", what)


def _peer(name: str, compared: str, helps: str) -> Finding:
    here = _installed(name)
    if here is None:
        return Finding("peer", name, "missing", f"compared: {compared}", helps)
    if here != compared:
        return Finding("peer", name, "other", f"{here}; compared: {compared}")
    return Finding("peer", name, "works", here)
