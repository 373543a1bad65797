"""Is a stochastic rounding right? With its bits, bit by bit; without, as far as statistics see."""

from fos_ref.random.judge.causes import Cause, causes
from fos_ref.random.judge.outcomes import Outcomes, outcomes
from fos_ref.random.judge.statistics import statistics, Test, Verdict

__all__ = ["Cause", "Outcomes", "Test", "Verdict", "causes", "outcomes", "statistics"]
