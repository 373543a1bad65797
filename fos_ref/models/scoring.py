"""The negative log-likelihood of each scored token, in nats, float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import F32
from fos_ref.models.needs import need
from fos_ref.models.windows import Window


def batches(windows: Sequence[Window], size: int) -> list[list[Window]]:
    """Return the windows in order, at most `size` of one length in a call."""
    found: list[list[Window]] = []
    for _, same in groupby(windows, key=lambda w: len(w.tokens)):
        group = list(same)
        found += [group[i : i + size] for i in range(0, len(group), size)]
    return found


def score(model: Any, windows: Sequence[Window], size: int = 1) -> Iterator[F32]:
    """Yield float32 (n,), the scored tokens of each batch of windows in order.

    model:  a torch module: token numbers (B, T) -> logits (B, T, V), or an object with `.logits`
    Rounding: logits in the model's dtype; log-softmax in float32, in torch's order.
    Raises: InputError for a loss that is not finite: what the model makes of such an arm is no perplexity.
    """
    torch: Any = need("torch")
    device = next(model.parameters()).device
    for batch in batches(windows, size):
        tokens, targets = (
            torch.from_numpy(np.stack([getattr(w, k) for w in batch])).to(device)
            for k in ("tokens", "targets")
        )
        with torch.inference_mode():
            made = model(tokens)
            logits = getattr(made, "logits", made).float()
            flat = targets.reshape(-1)
            loss = torch.nn.functional.cross_entropy(
                logits.reshape(len(flat), -1), flat, ignore_index=-1, reduction="none"
            )
            found: F32 = loss[flat >= 0].cpu().numpy()
        if not np.isfinite(found).all():
            msg = f"{np.count_nonzero(~np.isfinite(found)):,} of {found.size:,} tokens have no finite loss"
            raise InputError(msg)
        yield found
