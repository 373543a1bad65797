"""Which tokens a step sees: a function of config, seed and step, so the same in every arm."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import log

import numpy as np

from fos_ref.formats.arrays import I64, U8
from fos_ref.pretrain.config import Config, MARKOV
from fos_ref.pretrain.language import Language, language, ORDER, sample
from fos_ref.pretrain.text import SYMBOLS, text_of
from fos_ref.random.philox import philox4x32

HELD_OUT = 0.1  #: the share of a text, at its end, that no step sees
_EVALUATION = 0xE7A1  #: the seed of the held-out sequences: the same for all seeds of a config
_AT_ONCE = 64  #: steps whose tokens are drawn together
_MOST_HELD = 1 << 28  #: bytes of tokens that are kept for the next arm


@dataclass(frozen=True)
class Batches:
    """The batches of one seed: (batch, sequence + 1) tokens, inputs and each input's successor."""

    config: Config
    seed: int
    _held: dict[int, U8] = field(default_factory=dict, repr=False, compare=False)  #: what was drawn already

    @cached_property
    def language(self) -> Language | None:
        """The synthetic language; None for a text."""
        c = self.config
        return language(c.symbols, c.language) if c.data == MARKOV else None

    @cached_property
    def text(self) -> U8:
        """The text."""
        return text_of(self.config.data)

    @property
    def symbols(self) -> int:
        """How many tokens there are."""
        return self.config.symbols if self.language else SYMBOLS

    @property
    def floor(self) -> float | None:
        """The loss, in nats, that no model is below in the mean; None where nobody knows it."""
        return self.language.entropy if self.language else None

    @property
    def unscored(self) -> int:
        """How many first predictions of a sequence are left out: they lack the language's context."""
        return ORDER - 1 if self.language else 0

    @property
    def uniform(self) -> float:
        """The loss of a model that knows nothing."""
        return log(self.symbols)

    def step(self, step: int) -> I64:
        """Return the tokens of a step."""
        c, first = self.config, step - step % _AT_ONCE
        if first not in self._held:
            if sum(part.nbytes for part in self._held.values()) > _MOST_HELD:
                self._held.clear()
            rows = self._rows(c.batch * _AT_ONCE, self.seed, first * c.batch, train=True)
            self._held[first] = rows.astype(np.uint8).reshape(_AT_ONCE, c.batch, -1)
        tokens: I64 = self._held[first][step - first].astype(np.int64)
        return tokens

    def held_out(self, number: int) -> I64:
        """Return a batch that no step of any seed sees."""
        c = self.config
        return self._rows(c.batch, _EVALUATION, (1 << 31) + number * c.batch, train=False)

    def _rows(self, rows: int, seed: int, first: int, *, train: bool) -> I64:
        """Return sequences; row r is a function of the seed and of first + r."""
        length = self.config.sequence + 1
        if self.language:
            return sample(self.language, rows, length, seed, first)
        cut = len(self.text) - max(int(len(self.text) * HELD_OUT), length + 1)
        part = self.text[:cut] if train else self.text[cut:]
        counter = np.zeros((rows, 4), dtype=np.uint32)
        counter[:, 0] = first + np.arange(rows)
        places = philox4x32(counter, [seed, 0x7E87])[:, 0].astype(np.int64) % (len(part) - length)
        found: I64 = part[places[:, None] + np.arange(length)].astype(np.int64)
        return found
