"""Every adapter, and which peer answers for which preset."""

from __future__ import annotations

from .base import Peer
from .flashinfer import FlashInfer
from .fouroversix import FourOverSix
from .te import TransformerEngine

PEERS: tuple[Peer, ...] = (FlashInfer(), FourOverSix(), TransformerEngine())
PEER_OF: dict[str, Peer] = {preset: peer for peer in PEERS for preset in peer.presets}
