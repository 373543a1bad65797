"""`fos quantize --random-bits`: the words of the one matrix that is quantized, however it is read."""

import json

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.cli import run
from fos_ref.engines import stream
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import InputError
from fos_ref.random import words
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.select import Selection

X = (np.random.default_rng(2).standard_normal((32, 160)) / 1024).astype(ml_dtypes.bfloat16)
NAME = "grad.weight"
SEED, OFFSET = 0x123456789ABCDEF0, 8
MAP = ("te-tuned-row", SEED, OFFSET)


@pytest.fixture
def files(tmp_path):
    save_file({NAME: X, "norm.weight": np.ones(16, np.float32)}, tmp_path / "in.safetensors")
    save_file({NAME: X, "other.weight": X}, tmp_path / "two.safetensors")
    np.save(tmp_path / "words.npy", words("te-tuned-row", X.shape, seed=SEED, offset=OFFSET))
    return tmp_path


def quantized(files, *options, source="in"):
    out = ["quantize", f"{files / source}.safetensors", f"{files / 'out'}.safetensors", "--force", *options]
    return run(out)


def read(files):
    with QuantizedCheckpoint(files / "out.safetensors") as c:
        q = c.tensor(NAME)
    return q.codes.tobytes(), q.block_scales.tobytes(), q.tensor_amax.tobytes()


def wanted(recipe, bits, x=X):
    q = fos_ref.quantize(x, recipe, random_bits=bits)
    return q.codes.tobytes(), q.block_scales.tobytes(), q.tensor_amax.tobytes()


@pytest.mark.parametrize("given", [f"te-tuned-row:{SEED}:{OFFSET}", "words.npy"])
def test_the_bytes_are_those_of_quantize(files, capsys, given):
    bits = str(files / given) if given.endswith(".npy") else given
    assert quantized(files, "--recipe", "te-train-gradient", "--random-bits", bits, "--json") == 0
    assert json.loads(capsys.readouterr().out)["recipe"] == "te-train-gradient-software"
    assert read(files) == wanted("te-train-gradient", MAP)


def test_without_an_offset_it_is_0_and_include_names_the_matrix(files):
    bits = ("--recipe", "te-train-gradient-byte-lane", "--random-bits", f"te-tuned-row:{SEED}")
    assert quantized(files, *bits, "--include", NAME, source="two") == 0
    assert (
        read(files)
        == wanted("te-train-gradient-byte-lane", ("te-tuned-row", SEED, 0))
        != wanted("te-train-gradient-byte-lane", MAP)
    )


#: Rows that are longer than a chunk, two rows a chunk; words of four values, of one, of a block.
@pytest.mark.sample(3)
@pytest.mark.parametrize("chunk", [144, 400])
@pytest.mark.parametrize(
    ("recipe", "bits"),
    [
        ("te-train-gradient", MAP),
        ("quartet2-simulator-sr-4over6", [("quartet2-simulator", s, 0) for s in (3, 4)]),
        ("quartet2-eden", np.arange(320).reshape(32, 10) * 204),
    ],
)
def test_pieces_of_a_matrix_take_their_own_words(files, monkeypatch, chunk, recipe, bits):
    monkeypatch.setattr(stream, "CHUNK_VALUES", chunk)
    quantize_checkpoint(
        files / "in.safetensors", files / "out.safetensors", recipe, random_bits=bits, engine="numpy"
    )
    assert read(files) == wanted(recipe, bits)


def test_a_correction_over_128_values_takes_whole_groups_of_a_long_row(tmp_path, monkeypatch):
    x, bits = X.reshape(20, 256), ("quartet2-simulator-scales", 3, 0)
    save_file({NAME: x}, tmp_path / "in.safetensors")
    monkeypatch.setattr(stream, "CHUNK_VALUES", 128)
    recipe = "quartet2-simulator-eden"
    quantize_checkpoint(
        tmp_path / "in.safetensors", tmp_path / "out.safetensors", recipe, random_bits=bits, engine="numpy"
    )
    assert read(tmp_path) == wanted(recipe, bits, x)


def test_padded_rows_take_the_words_of_whole_blocks(tmp_path):
    x = np.ascontiguousarray(X[:, :152])
    save_file({NAME: x}, tmp_path / "in.safetensors")
    bits = f"te-tuned-row:{SEED}:{OFFSET}"
    assert quantized(tmp_path, "--padding", "--recipe", "te-train-gradient", "--random-bits", bits) == 0
    q = fos_ref.quantize(x, "te-train-gradient", random_bits=MAP, padding="zero")
    assert read(tmp_path)[0] == q.codes.tobytes()


@pytest.mark.long
def test_words_of_a_checkpoint_of_several_matrices_are_refused(files, capsys):
    bits = ("--random-bits", "te-tuned-row:1:2")
    assert quantized(files, "--recipe", "te-train-gradient", *bits, source="two") == 2
    assert "2 matrices, which would share them: one is allowed" in capsys.readouterr().err
    assert quantized(files, "--recipe", "te-train-gradient") == 2
    assert "its words are needed (--random-bits takes them)" in capsys.readouterr().err
    assert quantized(files, "--recipe", "te-train-gradient-cvt-rs", *bits) == 2
    assert "te-train-gradient-byte-lane, te-train-gradient-pair-reversed" in capsys.readouterr().err
    assert quantized(files, "--recipe", "nvfp4", *bits) == 2
    assert "'nvfp4' takes none" in capsys.readouterr().err
    assert not (files / "out.safetensors").exists()
    with pytest.raises(InputError, match=r"random_bits= takes them"):
        quantize_checkpoint(
            files / "two.safetensors",
            files / "out.safetensors",
            "te-train-gradient",
            selection=Selection((NAME,)),
        )
