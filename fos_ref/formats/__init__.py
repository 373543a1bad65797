"""What is a number? Formats as values, and the codec that reads them."""

from fos_ref.formats.catalog import (
    BFLOAT16,
    E2M0,
    E2M1,
    E2M3,
    E3M2,
    E4M3,
    E5M2,
    E8M0,
    FLOAT16,
    FLOAT32,
    FormatInfo,
    FORMATS,
    INT3,
    INT4,
    INT6,
    INT8,
    UE4M3,
    UE5M3,
)
from fos_ref.formats.codec import decode, encode
from fos_ref.formats.environment import check_float_environment

__all__ = [
    "BFLOAT16",
    "E2M0",
    "E2M1",
    "E2M3",
    "E3M2",
    "E4M3",
    "E5M2",
    "E8M0",
    "FLOAT16",
    "FLOAT32",
    "FORMATS",
    "INT3",
    "INT4",
    "INT6",
    "INT8",
    "UE4M3",
    "UE5M3",
    "FormatInfo",
    "check_float_environment",
    "decode",
    "encode",
]
