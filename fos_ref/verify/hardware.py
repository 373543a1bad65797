"""Which blocks the hardware decides: see fos_ref/dialects/hardware.py."""

from fos_ref.dialects.hardware import hardware_decides

__all__ = ["hardware_decides"]
