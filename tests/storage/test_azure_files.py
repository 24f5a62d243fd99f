"""Azure file shares, by a peer that answers as the service's REST reference says; there is no emulator of them."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.sources.azure_files import VERSION, _Access
from tests.storage.peer import Peer, Reply
from tests.storage.support import contents

QUICK = Settings(retries=1, backoff=0.01, stall=5, span=100_000)
FILES = {"model.joblib": b"a model" * 50_000, "sub/deep/a b.txt": b"x", "empty.txt": b""}
KEY = base64.b64encode(b"k" * 64).decode()
URI = "https://acct.file.core.windows.net/models/iris"


def share(peer: Peer) -> Callable[[str, dict[str, str]], Reply]:
    """Answer as a share that holds `iris/…` and `iris-old/…`, two entries a page."""
    stored = {f"iris/{path}": content for path, content in FILES.items()} | {"iris-old/model.joblib": b"old"}

    def reply(path: str, query: dict[str, str]) -> Reply:
        key = path.removeprefix("/models").strip("/")
        if "comp" in query:
            return listing(stored, key, query)
        if key not in stored:
            return 404, {"x-ms-error-code": "ResourceNotFound"}, b""
        asked = peer.sent[-1][1].get("x-ms-range")
        if not asked:
            return 200, {}, stored[key]
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last) + 1 if last else len(stored[key]), len(stored[key]))
        length = f"bytes {start}-{stop - 1}/{len(stored[key])}"
        return 206, {"Content-Range": length, "ETag": '"1"'}, stored[key][start:stop]

    return reply


def listing(stored: dict[str, bytes], folder: str, query: dict[str, str]) -> Reply:
    prefix = f"{folder}/" if folder else ""
    below = [key.removeprefix(prefix) for key in stored if key.startswith(prefix)]
    if not below:
        return 404, {"x-ms-error-code": "ResourceNotFound"}, b""
    names = sorted({name.split("/")[0]: "/" in name for name in below}.items())
    start = int(query.get("marker", "0"))
    items = "".join(
        f"<Directory><Name>{name}</Name></Directory>"
        if is_folder
        else f'<File><Name Encoded="true">{name.replace(" ", "%20")}</Name><Properties><Content-Length>'
        f"{len(stored[prefix + name])}</Content-Length><Etag>1</Etag></Properties></File>"
        for name, is_folder in names[start : start + 2]
    )
    marker = str(start + 2) if start + 2 < len(names) else ""
    return 200, {}, f"<R><Entries>{items}</Entries><NextMarker>{marker}</NextMarker></R>".encode()


@pytest.fixture
def files(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Peer:
    for name in ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_STORAGE_FILE_ENDPOINT", peer.address)
    peer.reply = share(peer)
    return peer


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param(URI, FILES, id="folder"),
        pytest.param(f"{URI}/sub", {"deep/a b.txt": b"x"}, id="folder-below"),
        pytest.param(f"{URI}/model.joblib", {"model.joblib": FILES["model.joblib"]}, id="file"),
        pytest.param(f"{URI}/sub/deep/a%20b.txt", {"a b.txt": b"x"}, id="escaped"),
    ],
)
def test_a_folder_or_file_of_a_share_arrives_by_key(
    uri: str, expected: dict[str, bytes], files: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCESS_KEY", KEY)

    fetch(uri, dest, settings=QUICK)

    assert contents(dest) == expected
    assert all(sent["Authorization"].startswith("SharedKey acct:") for _, sent in files.sent)


def test_a_sas_goes_into_the_query_and_into_no_message(files: Peer, dest: Path) -> None:
    manifest = fetch(f"{URI}?sv=1&sig=hunter2%2B", dest, settings=QUICK)

    assert contents(dest) == FILES
    assert all("sig=hunter2%2B" in path for path, _ in files.sent)
    assert "hunter2" not in str(manifest)


@pytest.mark.parametrize(
    ("url", "query", "headers", "expected"),
    [
        pytest.param(
            "/share/a%20b",
            {"restype": "directory", "comp": "list", "include": "Etag", "marker": "x y"},
            {},
            "dDUGkuvDAONMSq7TuW3fKH5RAIHxeayD0pUPnpnFW2s=",
            id="listing",
        ),
        pytest.param(
            "/share/m%C3%A9.bin",
            {},
            {"x-ms-range": "bytes=5-"},
            "nYZU3niz4MTER7xFrCb6OReNHu11VtpRkYPr7rATHZA=",
            id="range",
        ),
    ],
)
def test_signatures_are_those_that_microsofts_client_computes(
    url: str, query: dict[str, str], headers: dict[str, str], expected: str
) -> None:
    sent = {**headers, "x-ms-version": VERSION, "x-ms-date": "Thu, 26 Nov 2026 08:00:00 GMT"}

    assert _Access("acct", "", KEY)._signature(f"https://acct.example{url}", query, sent) == expected


@pytest.mark.parametrize(
    ("uri", "key", "answer", "code"),
    [
        pytest.param(URI, "", None, "no_credentials", id="no-credentials"),
        pytest.param(URI, "not base64!", None, "wrong_credentials", id="no-key"),
        pytest.param(URI, KEY, (403, "AuthenticationFailed"), "wrong_credentials", id="wrong-key"),
        pytest.param(URI, KEY, (403, "AuthorizationFailure"), "access_denied", id="denied"),
        pytest.param(URI, KEY, (404, "ShareNotFound"), "not_found", id="no-share"),
        pytest.param(f"{URI}/nothing", KEY, None, "not_found", id="missing"),
        pytest.param(f"{URI}-ol", KEY, None, "not_found", id="inside-a-name"),
        pytest.param(URI, KEY, (503, "ServerBusy"), "server_error", id="busy"),
        pytest.param("https://acct.file.core.windows.net/", KEY, None, "bad_uri", id="no-share-named"),
    ],
)
def test_a_share_that_cannot_be_read_is_one_error(
    uri: str,
    key: str,
    answer: tuple[int, str] | None,
    code: str,
    files: Peer,
    dest: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCESS_KEY", key)
    if answer:
        files.reply = lambda path, query: (answer[0], {"x-ms-error-code": answer[1]}, b"")

    with pytest.raises(StorageError) as failure:
        fetch(uri, dest, settings=QUICK)

    assert failure.value.code == code
    assert failure.value.remedy
    assert KEY not in str(failure.value)
    assert contents(dest) == {}
