"""What a start costs: modules that are imported, memory, and a container with next to nothing."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tests.server.cgroups import limited
from tests.server.models import IRIS, PEOPLE, iris, mixed, named, save
from tests.server.process import Server, serving
from tests.server.test_limits import memory

ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
# What only some models, flags or files need. Each of these would cost every start tenths of a second.
NOT_FOR_EVERYBODY = {
    "dulwich", "google.protobuf", "grpc", "obstore", "opentelemetry", "pandas.core", "pyarrow", "ruamel.yaml",
    "skops.io", "treelite",
    "numpy.f2py.f2py2e", "rich.console", "scipy.integrate._quadrature", "scipy.interpolate._bsplines",
    "scipy.optimize._optimize", "scipy.spatial.transform._rotation", "scipy.stats._stats_py",
}  # fmt: skip
MODULES = 1150  # nearly all of them SciPy's, scikit-learn's and NumPy's


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the modules that a server imports until it has answered."""
    folder = save(iris(), tmp_path_factory.mktemp("model"))
    with serving(folder, "--model_name=iris", env={"PYTHONPROFILEIMPORTTIME": "1"}) as server:
        assert server.post("/v1/models/iris:predict", ROW).json == {"predictions": [0]}
    return re.findall(r"^import time:.*\|\s*([\w.]+)$", server.log(), re.MULTILINE)


def test_a_start_imports_nothing_that_only_some_need(imported: list[str]) -> None:
    assert "sklearn.linear_model._logistic" in imported
    assert NOT_FOR_EVERYBODY & set(imported) == set()


def test_a_start_imports_no_more_modules_than_it_did(imported: list[str]) -> None:
    assert len(imported) <= MODULES


def test_workers_share_what_is_imported_before_they_are_forked(tmp_path: Path) -> None:
    folder = save(iris(), tmp_path)
    profile = {"PYTHONPROFILEIMPORTTIME": "1"}
    with serving(folder, "--model_name=iris", "--workers=2", env=profile) as server:
        assert server.post("/v1/models/iris:predict", ROW).json == {"predictions": [0]}

    assert len(re.findall(r"^import time:.*\| +scipy\.stats\._stats_py$", server.log(), re.MULTILINE)) == 1


def test_scikit_learn_gets_pandas_where_it_makes_or_takes_data_frames() -> None:
    script = """
import sys
from kserve_lite_server.sklearn.later import put_off_pandas
put_off_pandas()
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler
SimpleImputer().fit_transform(np.array([[1.0], [np.nan]]))
assert "pandas" not in sys.modules
frame = StandardScaler().set_output(transform="pandas").fit_transform(np.eye(2))
assert type(frame).__name__ == "DataFrame"
import pandas
gaps = pandas.DataFrame({"a": pandas.array([1, None], dtype="Int64")})
assert SimpleImputer(missing_values=pandas.NA).fit_transform(gaps).tolist() == [[1.0], [1.0]]
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.slow
def test_a_server_of_a_numeric_model_has_170_mb(tmp_path: Path) -> None:
    save(iris(), tmp_path / "iris")
    gaps = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=500)).fit(IRIS.data, IRIS.target)
    save(gaps, tmp_path / "gaps")
    with serving(tmp_path, "--enable_grpc=true", "--grpc_port=0") as server:
        assert server.post("/v1/models/iris:predict", ROW).json == {"predictions": [0]}
        assert server.post("/v1/models/gaps:predict", {"instances": [[5.1, None, 1.4, 0.2]]}).status == 200
        assert memory(server) <= 170


@pytest.mark.slow
def test_models_with_column_names_are_served_as_before(tmp_path: Path) -> None:
    save(mixed(), tmp_path / "mixed")
    save(named(), tmp_path / "named")
    with serving(tmp_path) as server:
        people = PEOPLE.iloc[[0, 3]].to_dict("records")
        answer = server.post("/v1/models/mixed:predict", {"instances": people})
        assert answer.json == {"predictions": mixed().predict(PEOPLE.iloc[[0, 3]]).tolist()}
        assert server.post("/v1/models/named:predict", ROW).json == {"predictions": [0]}


@pytest.mark.slow
def test_256_mib_and_a_tenth_of_a_processor_are_enough(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    rows = np.tile(IRIS.data, (100, 1))
    with limited(256 << 20, 0.1) as within, serving(tmp_path, "--model_name=iris", within=within) as server:
        many = server.post("/v1/models/iris:predict", {"instances": rows.tolist()})
        assert many.json == {"predictions": iris().predict(rows).tolist()}
        assert all(_answers(server) for _ in range(20))
        assert server.stop(timeout=60) == 0


def _answers(server: Server) -> Any:
    return server.post("/v1/models/iris:predict", ROW).json == {"predictions": [0]}
