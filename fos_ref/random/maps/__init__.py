"""Word maps as data: where each program takes the random word behind four elements from."""

from types import MappingProxyType

from fos_ref.random.maps.te import TE_MAPS
from fos_ref.random.maps.torchao import TORCHAO_MAPS
from fos_ref.random.maps.triton import TRITON_MAPS
from fos_ref.random.maps.wordmap import Asked, Generator, Places, WordMap

MAPS = MappingProxyType({m.name: m for m in (*TE_MAPS, *TORCHAO_MAPS, *TRITON_MAPS)})

__all__ = ["MAPS", "Asked", "Generator", "Places", "WordMap"]
