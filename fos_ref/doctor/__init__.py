"""What can this installation do, and what has to be installed for more? `fos doctor` prints it.

examine     every finding; it never fails because something is missing
Examination the findings, with the versions of the machine
Finding     one engine, tool, cache, extra or peer: its state, and what to do where it is missing

>>> from fos_ref.doctor import examine
>>> examine().of("engine", "numpy").state
'works'
"""

from fos_ref.doctor.examination import Examination, examine
from fos_ref.doctor.finding import Finding, STATES

__all__ = ["STATES", "Examination", "Finding", "examine"]
