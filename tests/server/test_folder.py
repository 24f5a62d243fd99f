"""Which file of a folder is served, and what is said when none can be."""

import pickle
from pathlib import Path

import joblib
import pytest

from kserve_lite_server.errors import ServeError
from kserve_lite_server.sklearn.folder import find_model
from tests.server.models import iris
from tests.server.process import refused, serving


def test_the_preferred_name_wins_over_another_model_file(tmp_path: Path) -> None:
    for name in ("model.joblib", "old.pkl", "notes.txt"):
        (tmp_path / name).touch()

    assert find_model(tmp_path).path.name == "model.joblib"


@pytest.mark.parametrize(
    "name", ["a.joblib", "a.pkl", "a.pickle", "a.skops", "a.joblib.gz", "a.pkl.xz", "A.PKL"]
)
def test_the_only_model_file_is_taken_under_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    assert find_model(tmp_path).path.name == name


def test_two_model_files_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("model.joblib", "model.pkl"):
        (tmp_path / name).touch()

    with pytest.raises(ServeError, match=r"model\.joblib and model\.pkl") as refusal:
        find_model(tmp_path)
    assert refusal.value.code == "model_file_ambiguous"


def test_a_folder_without_a_model_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "readme.md").touch()

    with pytest.raises(ServeError, match=r"there is readme\.md"):
        find_model(tmp_path)


def test_a_relative_model_uri_names_the_file(tmp_path: Path) -> None:
    for name in ("a.joblib", "b.joblib"):
        (tmp_path / name).touch()
    (tmp_path / "sklearnserver.yaml").write_text(
        "modelFormat: sklearn\nmodelUri: b.joblib\nmethod: predict_proba\n"
    )

    found = find_model(tmp_path)

    assert (found.path.name, found.method) == ("b.joblib", "predict_proba")


def test_a_file_uri_is_a_local_path(tmp_path: Path) -> None:
    model = tmp_path / "elsewhere" / "m 1.joblib"
    model.parent.mkdir()
    model.touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "sklearnserver.yaml").write_text(f"modelUri: {model.as_uri()}\n")

    assert find_model(folder).path == model


def test_a_model_uri_below_a_downloaded_source_is_the_local_file(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/clf.joblib").touch()
    (tmp_path / ".kserve-lite-manifest.json").write_text(
        '{"version":1,"sources":[{"uri":"s3://bucket/models/","files":[]}]}'
    )
    (tmp_path / "sklearnserver.yaml").write_text("modelUri: s3://bucket/models/v1/clf.joblib\n")

    assert find_model(tmp_path).path == tmp_path / "v1/clf.joblib"


def test_without_a_manifest_a_remote_uri_means_the_file_beside(tmp_path: Path) -> None:
    (tmp_path / "clf.joblib").touch()
    (tmp_path / "sklearnserver.yaml").write_text("modelUri: gs://bucket/models/clf.joblib\n")

    assert find_model(tmp_path).path == tmp_path / "clf.joblib"


def test_a_uri_elsewhere_is_left_to_be_fetched(tmp_path: Path) -> None:
    (tmp_path / "sklearnserver.yaml").write_text("modelUri: gs://bucket/models/clf.joblib\n")

    assert find_model(tmp_path).remote == "gs://bucket/models/clf.joblib"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        pytest.param(
            "modelFormat: xgboost", "model_format_unsupported", "xgboost is not supported", id="format"
        ),
        pytest.param("modelURI: x", "model_settings_invalid", "did you mean modelUri", id="misspelt"),
        pytest.param("method: [1]", "model_settings_invalid", "method must be a string", id="type"),
        pytest.param("- a", "model_settings_invalid", "must hold fields", id="list"),
        pytest.param("a: b: c", "model_settings_invalid", "is not YAML", id="broken"),
        pytest.param("modelUri: gone.joblib", "model_file_missing", "does not exist", id="no file"),
    ],
)
def test_wrong_settings_are_refused_with_the_file(tmp_path: Path, text: str, code: str, said: str) -> None:
    (tmp_path / "sklearnserver.yaml").write_text(text)

    with pytest.raises(ServeError, match=said) as refusal:
        find_model(tmp_path)
    assert refusal.value.code == code


def _write(folder: Path, case: str) -> None:
    path = folder / "model.joblib"
    if case == "missing module":
        path.write_bytes(b"cno_such_module_here\nThing\n.")
    elif case == "garbage":
        path.write_bytes(b"this is not a pickle")
    elif case == "no predict":
        joblib.dump({"a": 1}, path)
    elif case == "cut short":
        path.write_bytes(pickle.dumps(iris())[:-20])


@pytest.mark.parametrize(
    ("case", "said"),
    [
        pytest.param("missing folder", "does not exist", id="missing folder"),
        pytest.param("empty", "holds no model file", id="empty"),
        pytest.param("missing module", "no_such_module_here", id="missing module"),
        pytest.param("garbage", "cannot be loaded", id="garbage"),
        pytest.param("cut short", "cannot be loaded", id="cut short"),
        pytest.param("no predict", "holds a dict", id="no predict"),
    ],
)
def test_a_model_that_cannot_be_served_ends_the_process_with_a_sentence(
    tmp_path: Path, case: str, said: str
) -> None:
    folder = tmp_path / "gone" if case == "missing folder" else tmp_path
    _write(tmp_path, case)

    status, text = refused(f"--model_dir={folder}")

    assert status == 1
    last = text.strip().splitlines()[-1]
    assert last.startswith("kserve-lite-server: error:")
    assert said in last
    assert str(folder) in last


def test_the_method_of_the_settings_file_answers(tmp_path: Path) -> None:
    joblib.dump(iris(), tmp_path / "model.joblib")
    (tmp_path / "sklearnserver.yaml").write_text("modelFormat: sklearn\nmethod: predict_proba\n")

    with serving(tmp_path, "--model_name=iris") as server:
        reply = server.post("/v1/models/iris:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]})

    assert reply.json["predictions"] == iris().predict_proba([[5.1, 3.5, 1.4, 0.2]]).tolist()


def test_a_model_uri_elsewhere_is_fetched_by_the_storage_code(tmp_path: Path) -> None:
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    joblib.dump(iris(), there / "clf.joblib")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=there)) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{site.server_port}/clf.joblib"
        (here / "sklearnserver.yaml").write_text(f"modelFormat: sklearn\nmodelUri: {uri}\n")
        with serving(here, "--model_name=iris") as server:
            reply = server.post("/v1/models/iris:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]})
        (here / "sklearnserver.yaml").write_text(f"modelUri: {uri}.gone\n")
        status, text = refused(f"--model_dir={here}")
        site.shutdown()

    assert reply.json == {"predictions": [0]}
    assert status == 1
    assert "[model_download_failed]" in text


def test_a_folder_of_models_may_be_a_uri_and_is_gone_with_the_server(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "there" / name).mkdir(parents=True)
        joblib.dump(iris(), tmp_path / "there" / name / "model.joblib")
    here, scratch = tmp_path / "here", tmp_path / "scratch"
    scratch.mkdir()
    uri = (tmp_path / "there").as_uri()

    with serving(here, f"--model_dir={uri}", env={"TMPDIR": str(scratch)}) as server:
        names = server.get("/v1/models").json["models"]
        reply = server.post("/v1/models/b:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]})
        assert list(scratch.iterdir())
        server.stop()

    assert sorted(names) == ["a", "b"]
    assert reply.json == {"predictions": [0]}
    assert not list(scratch.iterdir())


def test_a_folder_that_cannot_be_fetched_ends_the_process_with_the_uri(tmp_path: Path) -> None:
    uri = (tmp_path / "gone").as_uri()

    status, text = refused(f"--model_dir={uri}")

    assert status == 1
    assert f"--model_dir {uri}" in text
    assert "[model_download_failed]" in text


def test_a_list_of_models_wants_a_folder_to_fetch_into(tmp_path: Path) -> None:
    status, text = refused("--model_dir=s3://models/iris", f"--model_config={tmp_path / 'models.json'}")

    assert status == 2
    assert "s3://models/iris is not a folder" in text
