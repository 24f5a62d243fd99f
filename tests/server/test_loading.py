"""Files are looked into before they are loaded: versions, modules, trusted types, compression."""

import pickle
import re
from pathlib import Path
from typing import Any

import joblib
import pytest
import sklearn
import skops.io

from kserve_lite_server.errors import ServeError
from kserve_lite_server.sklearn.inspect import inspect_pickle
from kserve_lite_server.sklearn.load import load_estimator
from tests.server.models import GOOD, IRIS, flowers, iris, save, slow


def aged(path: Path, version: str) -> Path:
    """The file as a scikit-learn of another version would have written it."""
    now = sklearn.__version__.encode()
    text = path.read_bytes()
    assert now in text
    path.write_bytes(text.replace(now, version.encode().ljust(len(now))))
    return path


@pytest.mark.parametrize("name", [name for name in GOOD if name not in ("slow", "broken")])
def test_a_file_is_read_without_running_it(tmp_path: Path, name: str) -> None:
    path = save(GOOD[name](), tmp_path) / "model.joblib"

    contents = inspect_pickle(path)

    assert contents.sklearn_versions == {sklearn.__version__}
    assert contents.packages <= {
        "sklearn",
        "numpy",
        "scipy",
        "joblib",
        "builtins",
        "collections",
        "pandas",
        "_loss",
    }
    assert "sklearn" in contents.packages


def test_a_pickle_that_runs_code_is_not_run_when_read(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "sprung",)

    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Trap()))

    assert "pathlib" in inspect_pickle(tmp_path / "model.pkl").modules
    assert not (tmp_path / "sprung").exists()


def test_a_model_with_code_of_its_own_is_read_without_running_it(tmp_path: Path) -> None:
    contents = inspect_pickle(save(slow(), tmp_path) / "model.joblib")

    assert {"cloudpickle", "sklearn"} <= contents.packages


@pytest.mark.parametrize("compress", [("gzip", 3), ("zlib", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_a_compressed_file_is_read_and_loaded(tmp_path: Path, compress: tuple[str, int]) -> None:
    joblib.dump(flowers(), tmp_path / "model.joblib", compress=compress)

    loaded = load_estimator(tmp_path / "model.joblib")

    assert loaded.sklearn_version == sklearn.__version__
    assert loaded.estimator.predict(IRIS.data[:1]) == ["setosa"]


def test_another_version_is_refused_when_the_policy_is_strict(tmp_path: Path) -> None:
    path = aged(save(iris(), tmp_path) / "model.joblib", "1.2.3")

    with pytest.raises(ServeError, match=r"made by scikit-learn 1\.2\.3.*this server has") as refusal:
        load_estimator(path, "strict")
    assert refusal.value.code == "model_version_mismatch"


def test_another_version_is_said_and_loaded_when_the_policy_is_warn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = aged(save(iris(), tmp_path) / "model.joblib", "1.2.3")

    assert load_estimator(path, "warn").sklearn_version is not None
    assert len(re.findall("made by scikit-learn", caplog.text)) == 1


def test_a_missing_module_is_named_before_anything_runs(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (sprung,)

    text = pickle.dumps([Trap(), "PLACE"], protocol=0)
    needs = text.replace(b"VPLACE\n", b"cno_such_package.inner\nThing\n")
    assert needs != text
    (tmp_path / "model.pkl").write_bytes(needs)

    with pytest.raises(ServeError, match="needs the Python module no_such_package,"):
        load_estimator(tmp_path / "model.pkl")
    assert not sprung.exists()


def test_a_skops_file_of_known_types_is_loaded(tmp_path: Path) -> None:
    skops.io.dump(iris(), tmp_path / "model.skops")

    loaded = load_estimator(tmp_path / "model.skops", "strict")

    assert loaded.sklearn_version == sklearn.__version__
    assert loaded.estimator.predict(IRIS.data[:1]) == [0]


def test_a_skops_file_names_the_types_that_must_be_trusted(tmp_path: Path) -> None:
    skops.io.dump(slow(), tmp_path / "model.skops")

    with pytest.raises(ServeError, match=r"--trusted_types=tests\.server\.models\.Slow") as refusal:
        load_estimator(tmp_path / "model.skops")
    assert refusal.value.code == "model_types_untrusted"
    assert (
        load_estimator(
            tmp_path / "model.skops", trusted_types=["tests.server.models.Slow"]
        ).estimator.n_features_in_
        == 1
    )


def test_a_skops_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"no archive")

    with pytest.raises(ServeError, match="cannot be loaded"):
        load_estimator(tmp_path / "model.skops")
