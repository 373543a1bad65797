"""Every adapter, and which peer answers for which preset."""

from __future__ import annotations

from .auto_round import AutoRound
from .base import Peer
from .compressed_tensors import CompressedTensors
from .flashinfer import FlashInfer
from .flashinfer_invariant import FlashInferInvariant
from .fouroversix import FourOverSix
from .fouroversix_checkout import FourOverSixCheckout
from .gptqmodel import GPTQModel
from .llmcompressor import LLMCompressor
from .mlx import MLXPowers
from .mlx_nvfp4 import MLX
from .modelopt import ModelOpt
from .qwix import Qwix
from .te import TransformerEngine
from .torchao import TorchAO

PEERS: tuple[Peer, ...] = (
    AutoRound(),
    CompressedTensors(),
    FlashInfer(),
    FlashInferInvariant(),
    FourOverSix(),
    FourOverSixCheckout(),
    GPTQModel(),
    LLMCompressor(),
    MLX(),
    MLXPowers(),
    ModelOpt(),
    Qwix(),
    TorchAO(),
    TransformerEngine(),
)
PEER_OF: dict[str, Peer] = {preset: peer for peer in PEERS for preset in peer.presets}
