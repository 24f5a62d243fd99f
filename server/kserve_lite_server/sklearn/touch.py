"""Modules that are imported when somebody touches them: scikit-learn imports half of SciPy for a few functions.

A module that waits is in `sys.modules` as any other, and everybody's `import` finds it; its own code runs at the first
use of anything that it has, once, and then it is an ordinary module. `importlib.util.LazyLoader` works alike, but until
Python 3.13 a second thread may see half a module there.
"""

import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from kserve_lite_server.sklearn.later import importer

ON_TOUCH = frozenset(
    (
        "numpy.f2py",
        "numpy.testing",
        "scipy.integrate",
        "scipy.interpolate",
        "scipy.optimize",
        "scipy.optimize._linesearch",
        "scipy.spatial.transform",
        "scipy.stats",
    )
)
"""NumPy's two are only copied, with everything else that NumPy has, into the namespace of SciPy's array API."""
BY_NAME = frozenset(
    (
        ("sklearn._loss.link", "gmean"),
        ("sklearn.calibration", "minimize"),
        ("sklearn.calibration", "minimize_scalar"),
        ("sklearn.covariance._robust_covariance", "chi2"),
        ("sklearn.isotonic", "spearmanr"),
        ("sklearn.linear_model._quantile", "linprog"),
        ("sklearn.metrics._ranking", "rankdata"),
        ("sklearn.metrics._ranking", "trapezoid"),
        ("sklearn.metrics.cluster._bicluster", "linear_sum_assignment"),
        ("sklearn.model_selection._search", "rankdata"),
        ("sklearn.neighbors._nca", "minimize"),
        ("sklearn.preprocessing._polynomial", "BSpline"),
        ("sklearn.utils.optimize", "line_search_wolfe2"),
        ("sklearn.utils.optimize", "scalar_search_wolfe1"),
    )
)
"""What these modules import by name, only to call it or what it has. They get a stand-in until the
module is there; anybody else's `from ... import` is a touch."""
# What the import system asks of a module that it has; it needs no code of the module.
KNOWN = frozenset(("__class__", "__file__", "__loader__", "__name__", "__package__", "__path__", "__spec__"))
# Held while a module's code runs. One for all, since they touch each other. No module that they import touches one of
# them while it is imported itself, but for themselves; so nobody who waits here holds what its holder waits for.
LOCK = threading.RLock()


def import_on_touch() -> None:
    """Install the rule; call it before scikit-learn is imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec with a loader that waits, for one that is listed."""
        if fullname not in ON_TOUCH:
            touch(fullname.rpartition(".")[0])  # a package's code runs before that of what is in it
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            waiting: Any = _Waiting(spec.loader)
            spec.loader = waiting
        return spec


class _Waiting:
    """A loader that only prepares; the loader proper runs the code at the first touch."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        module.__spec__.loader_state = _State()
        module.__class__ = _Untouched


class _State:
    """How far a module is: whether its code runs, and which stand-ins were given out."""

    def __init__(self) -> None:
        self.running = False
        self.given: list[tuple[dict[str, Any], str, _StandIn]] = []


get = ModuleType.__getattribute__


class _Untouched(ModuleType):
    """A module whose code has not run, or is running."""

    def __getattribute__(self, name: str) -> Any:
        if name in KNOWN:
            return get(self, name)
        spec = get(self, "__spec__")
        with LOCK:
            state: _State = spec.loader_state
            if type(self) is _Untouched and not state.running:
                asking = importer(sys._getframe(1))
                if (asking.get("__name__"), name) in BY_NAME:
                    stand_in = _StandIn(spec.name, name)
                    state.given.append((asking, name, stand_in))
                    return stand_in
                _run(self, spec, state)
        return get(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        own = get(self, "__name__")
        if name not in KNOWN and sys.modules.get(f"{own}.{name}") is not value:  # not the import system's
            touch(own)  # or its code would undo this
        ModuleType.__setattr__(self, name, value)


def _run(module: Any, spec: Any, state: _State) -> None:
    """Run a module's code; one that fails is tried again at the next touch."""
    touch(spec.parent if spec.parent != spec.name else spec.name.rpartition(".")[0])
    if type(module) is not _Untouched or state.running:
        return  # its package has touched it
    state.running = True
    try:
        spec.loader.exec_module(module)
        module.__class__ = ModuleType  # type: ignore[assignment]  # mypy has narrowed it
    finally:
        state.running = False
    for namespace, name, stand_in in state.given:
        if namespace.get(name) is stand_in:
            namespace[name] = module.__dict__[name]


def touch(name: str) -> None:
    """Let a module's code run if it waits."""
    module = sys.modules.get(name)
    if type(module) is _Untouched:
        module.__dict__  # noqa: B018 - any attribute would do


class _StandIn:
    """Stands for a function or class of a module whose code has not run."""

    def __init__(self, module: str, name: str) -> None:
        self.__module__, self.__name__ = module, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(sys.modules[self.__module__], self.__name__)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(sys.modules[self.__module__], self.__name__), name)
