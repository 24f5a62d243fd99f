"""hf://owner/model[:revision][/path]: a repository of the Hugging Face Hub, or a folder or file in it."""

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kserve_lite_server.storage import keys, network
from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.http import Client, HttpSource
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Entry
from kserve_lite_server.storage.sources.web import byte_range
from kserve_lite_server.storage.uri import Location

ADDRESS = re.compile(r"hf://(?P<owner>[^/:]+)/(?P<model>[^/:]+)(:(?P<revision>[^/]+))?(/(?P<path>.*))?$")
HUB = "https://huggingface.co"
BOOKKEEPING = frozenset({".gitattributes"})


def open_source(location: Location, settings: Settings) -> "HubSource":
    """Return the source for a repository."""
    found = ADDRESS.match(location.address)
    if not found:
        raise StorageError(
            "bad_uri",
            f"{location.shown} is no model of the Hub.",
            "Write hf://OWNER/MODEL, with :REVISION and /PATH if wanted.",
        )
    return HubSource(location, found, settings)


class HubSource(HttpSource):
    """One repository at one revision, pinned to the commit that the first listing shows."""

    def __init__(self, location: Location, found: re.Match[str], settings: Settings) -> None:
        self._hub = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
        self._model = f"{found['owner']}/{found['model']}"
        self._revision = quote(found["revision"] or "main", safe="")
        self._path = (found["path"] or "").strip("/")
        self._shown = location.shown
        self._settings = settings
        self._client = Client(settings)
        token = _token()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def entries(self) -> list[Entry]:
        """List the repository's files; the digest of a large one is known to the Hub."""
        commit = self._json(f"{self._hub}/api/models/{self._model}/revision/{self._revision}")["sha"]
        self._revision = quote(str(commit), safe="")
        found = []
        for item in self._tree():
            path = keys.below(self._path, item["path"])
            if item["type"] == "file" and path is not None and item["path"] not in BOOKKEEPING:
                large = item.get("lfs") or {}
                found.append(Entry(path, item["size"], item["oid"], item["path"], sha256=large.get("oid")))
        return found

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open a file of the commit; the Hub redirects to where the bytes are, and the token stays here."""
        url = f"{self._hub}/{self._model}/resolve/{self._revision}/{quote(entry.key)}"
        answer = self._client.get(url, self._headers | byte_range(start, stop))
        if entry.size is not None and answer.size not in (None, entry.size):
            answer.close()
            raise network.changed(self._shown)
        return answer.body()

    def _tree(self) -> list[dict[str, Any]]:
        url: str | None = f"{self._hub}/api/models/{self._model}/tree/{self._revision}?recursive=true"
        items: list[dict[str, Any]] = []
        while url and len(items) <= self._settings.max_files:
            page, url = self._page(url)
            items += page
        return items

    def _page(self, url: str) -> tuple[list[dict[str, Any]], str | None]:
        def ask() -> tuple[list[dict[str, Any]], str | None]:
            answer = self._client.get(url, self._headers)
            following = re.search(r'<([^>]+)>;\s*rel="next"', answer.headers.get("Link", ""))
            return json.loads(answer.read()), following[1] if following else None

        return retrying(ask, self._settings)

    def _json(self, url: str) -> dict[str, object]:
        try:
            document: dict[str, object] = retrying(
                lambda: json.loads(self._client.get(url, self._headers).read()), self._settings
            )
        except StorageError as error:
            if error.code in ("not_found", "wrong_credentials"):
                raise missing(
                    self._shown, "Check owner, model and revision; a private or gated model needs HF_TOKEN."
                ) from error
            raise
        return document


def _token() -> str | None:
    if token := os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN"):
        return token
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    path = Path(os.environ.get("HF_TOKEN_PATH", home / "token"))
    return path.read_text().strip() or None if path.is_file() else None
