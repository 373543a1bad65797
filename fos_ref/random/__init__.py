"""Which random bits, and what do they do to a value? Replayable: every bit is a function of its arguments."""

from fos_ref.random.feeds import deal, Feed, FEEDS, probe, width
from fos_ref.random.maps import MAPS, WordMap
from fos_ref.random.moments import enumerated, Moments, moments, up_probability
from fos_ref.random.philox import philox4x32
from fos_ref.random.rules import Rule, stochastic
from fos_ref.random.words import Sharing, sharing, words

__all__ = [
    "FEEDS",
    "MAPS",
    "Feed",
    "Moments",
    "Rule",
    "Sharing",
    "WordMap",
    "deal",
    "enumerated",
    "moments",
    "philox4x32",
    "probe",
    "sharing",
    "stochastic",
    "up_probability",
    "width",
    "words",
]
