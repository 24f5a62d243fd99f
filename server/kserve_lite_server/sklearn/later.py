"""pandas only when something needs it: importing it with scikit-learn costs 30 MB and a quarter of the start.

scikit-learn imports pandas, where it is installed, only to ask whether a value is pandas' own. While nobody has
imported pandas no value can be, so these few modules are told that it is absent. Everybody else gets the real one: a
model that was fitted on data frames, code that came with a model, and scikit-learn itself where it makes a data frame.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

# These compare with pandas.NA, and do so again when pandas is there.
_NA = tuple(
    f"sklearn.utils.{name}" for name in ("fixes", "_missing", "_mask", "_param_validation", "validation")
)
ONLY_ASK = {
    "pandas": _NA,
    # Bars of a fit; the image has no rich either.
    "rich.progress": ("sklearn.callback._progressbar",),
}


def put_off_pandas() -> None:
    """Install the rule; call it before scikit-learn is imported."""
    if not any(isinstance(finder, _Absent) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Absent())


class _Absent:
    """Asked only while a module is not imported, so it costs nothing afterwards."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse a module to those who only ask; leave everything else to the finders behind."""
        if fullname in ONLY_ASK and importer(sys._getframe(1)).get("__name__") in ONLY_ASK[fullname]:
            raise ModuleNotFoundError(f"{fullname} is imported only when a model needs it", name=fullname)
        return None


def importer(frame: FrameType | None) -> dict[str, Any]:
    """Return the namespace of the code behind an import, beyond the import system's own frames."""
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame.f_globals if frame else {}
