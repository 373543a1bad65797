"""Reading GGUF: files of the package's writer come back bit for bit, and every piece is the file's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gguf
import ml_dtypes
import numpy as np
import pytest

from fos_ref.errors import CheckpointError, DtypeError
from fos_ref.storage.gguf_blocks import BLOCK_FORMS
from fos_ref.storage.gguf_read import GgufFile, READ_DTYPES, split_names
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.tensor_info import NUMPY_DTYPES
from tests.every import every

RNG = np.random.default_rng(7)
X = RNG.standard_normal((6, 64)).astype(np.float32)
STACKED = RNG.integers(0, 256, (3, 4, 72), dtype=np.uint8)  # 3 experts of (4, 128)
MX = RNG.integers(0, 256, (2, 34), dtype=np.uint8)


def write(path: Path) -> Path:
    """Write what the converter makes of a small model of experts."""
    kinds = gguf.GGMLQuantizationType
    w = gguf.GGUFWriter(path, "qwen3moe")
    w.add_block_count(1)
    w.add_token_list([b"a", b"b"])
    w.add_tensor("f32.weight", X)
    w.add_tensor("f16.weight", X.astype(np.float16))
    w.add_tensor("bf16.weight", X.astype(ml_dtypes.bfloat16).view(np.uint8), raw_dtype=kinds.BF16)
    w.add_tensor("q8.weight", gguf.quantize(X, kinds.Q8_0), raw_dtype=kinds.Q8_0)
    w.add_tensor("blk.0.ffn_up_exps.weight", STACKED, raw_dtype=kinds.NVFP4)
    w.add_tensor("blk.0.ffn_up_exps.scale", np.float32([0.5, 1, 2]))
    w.add_tensor("mx.weight", MX, raw_dtype=kinds.MXFP4)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return path


@pytest.fixture
def path(tmp_path) -> Path:
    return write(tmp_path / "m.gguf")


def test_the_tensors_are_told_as_safetensors_tells_them(path):
    with GgufFile(path) as f:
        told = {n: (t.dtype, t.shape, t.nbytes) for n, t in f.tensors.items()}
        assert f.metadata == {"general.architecture": "qwen3moe", "qwen3moe.block_count": "1"}
        assert all(f.info(n) is t and t.name == n for n, t in f.tensors.items())
    assert told == {
        "f32.weight": ("F32", (6, 64), 1536),
        "f16.weight": ("F16", (6, 64), 768),
        "bf16.weight": ("BF16", (6, 64), 768),
        "q8.weight": ("Q8_0", (6, 64), 408),
        "blk.0.ffn_up_exps.weight": ("NVFP4", (3, 4, 128), 864),
        "blk.0.ffn_up_exps.scale": ("F32", (3,), 12),
        "mx.weight": ("MXFP4", (2, 64), 68),
    }


def test_values_and_bytes_are_what_was_written(path):
    with GgufFile(path) as f:
        assert f.read("f32.weight").tobytes() == X.tobytes()
        assert f.read("f16.weight").tobytes() == X.astype(np.float16).tobytes()
        assert f.read("bf16.weight").tobytes() == X.astype(ml_dtypes.bfloat16).tobytes()
        assert f.read("bf16.weight").dtype == ml_dtypes.bfloat16
        assert f.read_values("f32.weight", 64, 130).tobytes() == X.reshape(-1)[64:130].tobytes()
        assert f.read("blk.0.ffn_up_exps.scale").tolist() == [0.5, 1, 2]
        name = "blk.0.ffn_up_exps.weight"
        for expert in range(3):
            rows = f.read_bytes(name, expert * 288, (expert + 1) * 288).reshape(4, 72)
            assert np.array_equal(rows, STACKED[expert])
            assert rows.flags.writeable
        assert np.array_equal(f.read_bytes("mx.weight", 34, 68), MX[1])
        assert f.read_bytes("mx.weight", 5, 5).size == 0


def test_every_tensor_is_what_the_package_reads(path):
    reader = gguf.GGUFReader(path)
    with GgufFile(path) as f:
        assert list(f.tensors) == [t.name for t in reader.tensors]
        for t in reader.tensors:
            assert f.read_bytes(t.name, 0, f.info(t.name).nbytes).tobytes() == t.data.tobytes()
            form = BLOCK_FORMS.get(t.tensor_type.name)
            if form is not None:
                codes, _ = form.split(f.read_bytes(t.name, 0, int(t.n_bytes)).reshape(t.data.shape))
                assert codes.shape == (*f.info(t.name).shape[:-1], f.info(t.name).shape[-1] // 2)


@every(["q8.weight", "mx.weight", "blk.0.ffn_up_exps.weight"])
def test_blocks_are_no_values(name, path):
    with GgufFile(path) as f, pytest.raises(DtypeError, match="one of BF16, F16, F32 is allowed"):
        f.read(name)


def test_a_name_that_is_not_there_is_one_line(path):
    with GgufFile(path) as f, pytest.raises(CheckpointError, match=r"no tensor is called 'x\\n'") as e:
        f.info("x\n")
    assert "\n" not in str(e.value)


def test_a_file_that_is_written_to_or_cut_while_it_is_read_is_refused(path):
    with GgufFile(path) as f:
        data = path.read_bytes()
        with path.open("r+b") as other:
            other.write(data[:100])
        with pytest.raises(CheckpointError, match="changed while it was read"):
            f.read("f32.weight")
    with GgufFile(path) as f:
        with path.open("r+b") as other:
            other.truncate(900)
        with pytest.raises(CheckpointError, match="truncated"):
            f.read_bytes("mx.weight", 0, 68)


def test_what_is_no_file_of_this_form_is_refused(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(20))
    for name, said in (("x.gguf", "not a usable GGUF file"), (".", "not a regular file")):
        with pytest.raises(CheckpointError, match=said):
            GgufFile(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        GgufFile(tmp_path / "none.gguf")


def test_the_digest_is_the_file_s(path):
    with GgufFile(path) as f, path.open("rb") as other:
        assert f.sha256() == hashlib.file_digest(other, "sha256").hexdigest()


def test_the_face_is_that_of_safetensors():
    face = {n for n in dir(SafetensorsFile) if not n.startswith("_")}
    assert face <= set(dir(GgufFile))
    assert set(READ_DTYPES) <= set(NUMPY_DTYPES)


def test_the_files_of_a_split_model():
    assert split_names("m-00002-of-00003.gguf") == [f"m-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    other = (
        "m.gguf",
        "m-00004-of-00003.gguf",
        "m-00000-of-00003.gguf",
        "m-1-of-3.gguf",
        "m-00001-of-00002.gguf\n",
    )
    assert [split_names(n) for n in other] == [[]] * 5
