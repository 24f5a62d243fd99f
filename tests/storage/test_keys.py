"""Names that a source may not have."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from kserve_lite_server.storage import fetch
from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.keys import below, check_distinct, safe_path
from tests.storage.peer import Peer, Reply, as_json


@dataclass(frozen=True)
class Key:
    path: str


HOSTILE = (
    "",
    "/",
    "/etc/passwd",
    "//server/share",
    "..",
    "../model.joblib",
    "a/../../model.joblib",
    "a/..",
    ".",
    "./model.joblib",
    "a/./b",
    "a//b",
    "a/",
    "a\\b",
    "..\\windows",
    "C:/model.joblib",
    "a\x00b",
    "a\nb",
    "a\x1b[2Jb",
    "a\ud800b",
    "n" * 256,
    "é" * 128,
    "a/" * 1200 + "b",
)


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_refused(key: str) -> None:
    with pytest.raises(StorageError) as failure:
        safe_path(key)

    assert failure.value.code == "unsafe_key"


@pytest.mark.parametrize("key", HOSTILE)
def test_a_store_with_a_hostile_key_gives_nothing(
    key: str, peer: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: listed beside a good file, by a store whose listing can hold any text."""
    listing = [{"type": "file", "path": name, "size": 7, "oid": "1"} for name in ("model.joblib", key)]

    def reply(path: str, query: dict[str, str]) -> Reply:
        if path == "/api/models/team/iris/revision/main":
            return as_json({"sha": "c" * 40})
        return as_json(listing) if "/tree/" in path else (200, {}, b"a model")

    peer.reply = reply
    monkeypatch.setenv("HF_ENDPOINT", peer.address)

    with pytest.raises(StorageError) as failure:
        fetch("hf://team/iris", dest)

    assert failure.value.code == "unsafe_key"
    assert [file for file in dest.parent.rglob("*") if file.is_file()] == []
    assert not any("/resolve/" in path for path, _ in peer.sent)


@pytest.mark.parametrize(
    "key", ["model.joblib", "a/b/c", "with space", "..data", "a...b", "数据/模型", "n" * 255]
)
def test_an_ordinary_key_is_a_path(key: str) -> None:
    assert safe_path(key) == key


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(["a", "a"], id="twice"),
        pytest.param(["Model.pkl", "model.pkl"], id="case"),
        pytest.param(["stra\u00dfe", "STRASSE"], id="case-folding"),
        pytest.param(["caf\u00e9", "cafe\u0301"], id="normal-forms"),
        pytest.param(["a", "a/b"], id="file-and-folder"),
        pytest.param(["A", "a/b"], id="file-and-folder-by-case"),
        pytest.param(["A/x", "a/y"], id="folders-by-case"),
    ],
)
def test_keys_that_would_hide_one_another_are_refused(paths: list[str]) -> None:
    with pytest.raises(StorageError) as failure:
        check_distinct([Key(path) for path in paths])

    assert failure.value.code == "clashing_keys"


def test_distinct_keys_may_share_folders() -> None:
    check_distinct([Key("a/b"), Key("a/c"), Key("a/d/e"), Key("ab")])


@pytest.mark.parametrize(
    ("prefix", "key", "expected"),
    [
        ("model", "model/a", "a"),
        ("model/", "model/a", "a"),
        ("model", "model", "model"),
        ("x/model.joblib", "x/model.joblib", "model.joblib"),
        ("model", "model-old/a", None),
        ("model", "models", None),
        ("model", "other/model/a", None),
        ("", "a/b", "a/b"),
    ],
)
def test_a_prefix_ends_at_a_path_boundary(prefix: str, key: str, expected: str | None) -> None:
    assert below(prefix, key) == expected
