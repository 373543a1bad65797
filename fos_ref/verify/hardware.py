"""Find the blocks whose bytes depend on the chip: see fos_ref/dialects/hardware.py."""

from fos_ref.dialects.hardware import hardware_decides

__all__ = ["hardware_decides"]
