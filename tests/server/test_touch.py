"""Modules that wait for the first touch: everybody gets the real one, whole, and every model its exact answers."""

import importlib
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import scipy.stats
from sklearn.calibration import CalibratedClassifierCV
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.impute import IterativeImputer
from sklearn.linear_model import LogisticRegression, QuantileRegressor
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
)
from sklearn.svm import SVC

from kserve_lite_server.sklearn import touch
from tests.server.models import IRIS

LOGISTIC = LogisticRegression(max_iter=500)
MODELS = {
    "distribution": RandomizedSearchCV(
        LOGISTIC, {"C": scipy.stats.loguniform(0.1, 10)}, n_iter=2, random_state=0
    ),
    "calibrated": CalibratedClassifierCV(SVC(), cv=2, ensemble=False),
    "envelope": EllipticEnvelope(random_state=0),
    "function": make_pipeline(FunctionTransformer(scipy.stats.norm.cdf), LOGISTIC),
    "gaps": make_pipeline(IterativeImputer(random_state=0), LOGISTIC),
    "histogram": HistGradientBoostingClassifier(max_iter=5),
    "mode": KNeighborsClassifier(),
    "neighbourhood": make_pipeline(NeighborhoodComponentsAnalysis(random_state=0), KNeighborsClassifier()),
    "power": make_pipeline(PowerTransformer(), LOGISTIC),
    "quantile": QuantileRegressor(solver="highs"),
    "quantiles": make_pipeline(QuantileTransformer(n_quantiles=20, output_distribution="normal"), LOGISTIC),
    "select": make_pipeline(SelectKBest(k=2), LOGISTIC),
    "spline": make_pipeline(SplineTransformer(), LOGISTIC),
}
INSTALL = "from kserve_lite_server.sklearn.touch import import_on_touch\nimport_on_touch()\n"


def run(script: str, *arguments: str) -> None:
    """Run a script in a process where the modules wait."""
    subprocess.run([sys.executable, "-c", INSTALL + textwrap.dedent(script), *arguments], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_and_is_fitted_as_where_nothing_waits(name: str, tmp_path: Path) -> None:
    model = MODELS[name].fit(IRIS.data, IRIS.target)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps((model, IRIS, model.predict(IRIS.data))))

    run(
        """
        import pickle, sys
        model, iris, expected = pickle.load(open(sys.argv[1], "rb"))
        assert (model.predict(iris.data) == expected).all()
        assert (model.fit(iris.data, iris.target).predict(iris.data) == expected).all()
        """,
        str(tmp_path / "model.pkl"),
    )


def test_what_scikit_learn_imports_by_name_is_the_real_thing_once_its_module_is_there() -> None:
    run(
        """
        import sys
        import numpy as np
        import sklearn.calibration, sklearn.isotonic, sklearn.neighbors
        from kserve_lite_server.sklearn.touch import BY_NAME, ON_TOUCH
        waiting = {name for name in ON_TOUCH if type(sys.modules[name]).__name__ == "_Untouched"}
        assert waiting == ON_TOUCH, waiting
        from sklearn.metrics import roc_auc_score
        assert roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75
        from sklearn.metrics import label_ranking_average_precision_score
        assert label_ranking_average_precision_score([[1, 0, 0]], [[0.75, 0.5, 1]]) == 0.5
        for name in ON_TOUCH:
            dir(sys.modules[name])
            assert type(sys.modules[name]).__name__ == "module"
        for importer, name in BY_NAME:
            given = vars(sys.modules[importer])[name]
            assert getattr(sys.modules[given.__module__], name) is given, (importer, name)
        """
    )


def test_code_of_a_model_gets_the_real_modules_however_it_imports_them() -> None:
    run(
        """
        import pickle, sys
        import scipy.stats.qmc  # a module inside one that waits
        import sklearn.linear_model
        from scipy.optimize import OptimizeResult, minimize
        from scipy.stats import norm, rv_continuous

        class Triangle(rv_continuous):
            def _pdf(self, x):
                return 2 * x

        assert scipy.stats is sys.modules["scipy.stats"]
        assert abs(Triangle(a=0, b=1).cdf(0.5) - 0.25) < 1e-9
        assert pickle.loads(pickle.dumps(norm(1, 2))).mean() == 1
        assert isinstance(minimize(lambda x: (x - 3) ** 2, 0.0), OptimizeResult)
        assert scipy.stats.qmc.Halton(d=1, seed=0).random(1).shape == (1, 1)
        import numpy
        numpy.testing.assert_array_equal([1], [1])
        assert numpy.f2py.__version__
        """
    )


def test_threads_that_touch_a_module_together_all_get_the_whole_of_it() -> None:
    run(
        """
        import threading
        import sklearn.linear_model, scipy
        start, found = threading.Barrier(8), []

        def touch(number):
            start.wait()
            if number % 2:
                found.append(scipy.stats.norm.cdf(0.0))
            else:
                found.append(scipy.optimize.brentq(lambda x: x - 0.5, 0, 1))

        threads = [threading.Thread(target=touch, args=[number]) for number in range(8)]
        [thread.start() for thread in threads]
        [thread.join(60) for thread in threads]
        assert len(found) == 8 and all(abs(one - 0.5) < 1e-9 for one in found), found
        """
    )


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose code fails the first time that it runs."""
    (tmp_path / "waits").mkdir()
    (tmp_path / "waits" / "__init__.py").write_text(
        "from pathlib import Path\nlog = Path(__file__).with_name('runs')\n"
        "runs = len(log.read_text()) + 1 if log.exists() else 1\nlog.write_text('x' * runs)\n"
        "if runs == 1:\n    raise MemoryError\nfrom . import inner\n"
    )
    (tmp_path / "waits" / "inner.py").write_text("import waits\nhas = hasattr(waits, 'runs')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(touch, "ON_TOUCH", frozenset(("waits",)))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    touch.import_on_touch()
    yield "waits"
    for name in ("waits", "waits.inner"):
        sys.modules.pop(name, None)


def test_a_module_that_failed_is_tried_again_at_the_next_touch(package: str) -> None:
    waits: Any = importlib.import_module(package)
    with pytest.raises(MemoryError):
        _ = waits.runs

    assert waits.runs == 2
    assert waits.inner.has
    assert type(waits) is ModuleType


def test_what_is_set_on_a_module_that_waits_outlives_its_code(package: str) -> None:
    waits: Any = importlib.import_module(package)
    with pytest.raises(MemoryError):
        waits.runs = 7
    waits.runs = 7

    assert waits.runs == 7
    assert sys.modules["waits.inner"] is waits.inner


def test_a_module_inside_one_that_waits_comes_after_its_package(package: str) -> None:
    with pytest.raises(MemoryError):
        importlib.import_module("waits.inner")

    assert importlib.import_module("waits.inner").has
    assert type(sys.modules["waits"]) is ModuleType
