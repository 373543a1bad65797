"""Every adapter, and which peer answers for which preset."""

from __future__ import annotations

from .base import Peer
from .compressed_tensors import CompressedTensors
from .flashinfer import FlashInfer
from .fouroversix import FourOverSix
from .modelopt import ModelOpt
from .te import TransformerEngine
from .torchao import TorchAO

PEERS: tuple[Peer, ...] = (
    CompressedTensors(),
    FlashInfer(),
    FourOverSix(),
    ModelOpt(),
    TorchAO(),
    TransformerEngine(),
)
PEER_OF: dict[str, Peer] = {preset: peer for peer in PEERS for preset in peer.presets}
