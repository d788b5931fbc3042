"""Writes the demo business: an invented coffee roaster, as files in a landing folder.

`write_demo` is what a first `make refresh` falls back on, so that someone without data sees a whole
release.

Does not belong here: whether the demo is wanted (the command line decides), reading it back
(ingest), and any figure derived from it (the models).

Same arguments, same rows, on every machine and Python. Hence the rules of this package: the only
source of chance is `random.Random.random`, whose sequence Python guarantees; money is whole cents
and quantities are whole quarters; no `math` functions, no sums of floats (their last digit differs
between machines and between Python 3.11 and 3.12), no clock, no set iteration, no time zone files.
"""

from orchestration.demo.files import MARKER_FILE
from orchestration.demo.people import Archetype
from orchestration.demo.truth import BadRow, DemoTruth, Promotion, Shock
from orchestration.demo.writing import DemoSummary, write_demo

__all__ = [
    "MARKER_FILE",
    "Archetype",
    "BadRow",
    "DemoSummary",
    "DemoTruth",
    "Promotion",
    "Shock",
    "write_demo",
]
