"""The inputs of linear layers as a file: those that the layers get, each once."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.peer
torch = pytest.importorskip("torch", reason="pip install 'fos-ref[models]'")


def test_the_file_holds_what_each_layer_was_given(tmp_path):
    from safetensors.numpy import load_file  # noqa: PLC0415

    from fos_ref.models.capture import write_capture  # noqa: PLC0415
    from fos_ref.models.linears import linears  # noqa: PLC0415
    from tests.models.tiny import tiny, windows  # noqa: PLC0415

    loaded = tiny()
    layers, given = linears(loaded.model, loaded.head), windows()
    write_capture(tmp_path / "a.safetensors", loaded.model, layers, given)
    found = load_file(tmp_path / "a.safetensors")
    seen = {}
    hooks = [
        layer.module.register_forward_hook(
            lambda _m, args, _out, n=layer.name: seen.update({n: args[0].numpy()})
        )
        for layer in layers
    ]
    with torch.inference_mode():
        loaded.model(torch.from_numpy(given[0].tokens)[None])
    for hook in hooks:
        hook.remove()
    assert 4 < len(found) < len(layers)  # q, k and v share one
    for name, x in found.items():
        assert np.array_equal(x, seen[name].reshape(-1, x.shape[-1]))
    left = [x.tobytes() for n, x in seen.items() if n not in found]
    assert set(left) <= {x.tobytes() for x in found.values()}


def test_the_report_takes_the_file(tmp_path):
    from fos_ref.models.capture import write_capture  # noqa: PLC0415
    from fos_ref.models.linears import linears  # noqa: PLC0415
    from fos_ref.report.own.table import table  # noqa: PLC0415
    from tests.models.tiny import tiny, windows  # noqa: PLC0415

    loaded = tiny()
    path = tmp_path / "a.safetensors"
    write_capture(path, loaded.model, linears(loaded.model, loaded.head), windows())
    row = table("4over6", path, engine="numpy").iloc[0]
    assert row["of"] == "tensors"
    assert 0.5 < row["mse_ratio"] < 1
    assert row["mse_ratio_ci"] > 0
