"""https://HOST/REPOSITORY.git[@REF][#PATH]: the files of one commit, without a checkout.

Nothing of a repository runs or is linked here: its blobs are read from the pack that the server sends.
"""

import errno
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dulwich.client import HTTPProxyUnauthorized, HTTPUnauthorized, get_transport_and_path_from_url
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_store import iter_tree_contents
from dulwich.objects import Blob, Commit, ObjectID, Tag
from dulwich.repo import Repo
from urllib3 import BaseHTTPResponse, PoolManager, Retry
from urllib3.exceptions import HTTPError, MaxRetryError

from kserve_lite_server.storage import keys, network
from kserve_lite_server.storage.errors import StorageError, missing, writing_failed
from kserve_lite_server.storage.http import Client
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import MIB, Settings
from kserve_lite_server.storage.source import Body, Entry, Source
from kserve_lite_server.storage.uri import Location

ADDRESS = re.compile(r"(?P<repository>https?://[^#?]+?\.git)/?(@(?P<ref>[^#]+))?(#(?P<path>.*))?$")
FILE, LINK, MODULE = 0o100000, 0o120000, 0o160000
ONCE = Retry(total=None, connect=0, read=0, status=0, other=0, redirect=10)
POINTER = b"version https://git-lfs.github.com/spec/v1"


def open_source(location: Location, settings: Settings) -> "GitSource":
    """Return the source for a repository over http(s)."""
    found = ADDRESS.match(location.address)
    if not found:
        raise StorageError(
            "bad_uri",
            f"{location.shown} is no git repository.",
            "Write https://HOST/REPOSITORY.git, with @BRANCH, @TAG or @COMMIT and #PATH if wanted.",
        )
    if urlsplit(found["repository"]).username:
        raise StorageError(
            "secret_in_uri",
            f"{location.shown} was given with a user in it, where everybody can read it.",
            "Set GIT_USERNAME and GIT_PASSWORD instead.",
        )
    return GitSource(location, found, settings)


@dataclass(frozen=True)
class _Wanted:
    """What the URI asks for."""

    repository: str
    ref: str | None
    path: str


class GitSource(Source):
    """One commit of a repository, fetched at depth 1."""

    def __init__(self, location: Location, found: re.Match[str], settings: Settings) -> None:
        self._wanted = _Wanted(found["repository"], found["ref"], unquote(found["path"] or "").strip("/"))
        self._shown = location.shown
        self._settings = settings
        self._client = Client(settings)
        self._requests = _Requests(self._client.pool(self._wanted.repository))
        self._folder = tempfile.TemporaryDirectory(prefix="kserve-lite-git-")
        self._repository = Repo.init_bare(self._folder.name)

    def entries(self) -> list[Entry]:
        """Fetch the commit and list its files; a link or a submodule is refused."""
        commit = retrying(self._fetch, self._settings)
        return list(self._files(commit))

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Return the blob."""
        content = self._blob(entry.key)
        if content.startswith(POINTER):
            raise StorageError(
                "unsupported_file",
                f"{entry.path} of {self._shown} is kept in Git LFS, of which only a pointer is in the repository.",
                "Upload the file to an object store, or commit it without LFS.",
            )
        view = memoryview(content)[start:stop]
        return Body(start, start + len(view), (view[at : at + MIB] for at in range(0, len(view), MIB)))

    def close(self) -> None:
        """Remove the pack, close the connections."""
        self._requests.close()
        self._client.close()
        self._repository.close()
        self._folder.cleanup()

    def _fetch(self) -> ObjectID:
        host = urlsplit(self._wanted.repository)
        client, path = get_transport_and_path_from_url(
            self._wanted.repository,
            pool_manager=self._requests,  # type: ignore[arg-type]
            username=os.environ.get("GIT_USERNAME"),
            password=os.environ.get("GIT_PASSWORD"),
            quiet=True,
        )
        chosen: list[ObjectID] = []

        def choose(refs: Mapping[Any, Any], depth: int | None = None) -> list[Any]:
            chosen[:] = [_resolved(refs, self._wanted.ref)] if refs else []
            return chosen if chosen and chosen[0] not in self._repository.object_store else []

        try:
            with self._client.translating(self._wanted.repository), self._writing():
                client.fetch(path, self._repository, determine_wants=choose, depth=1)
        except (HTTPUnauthorized, HTTPProxyUnauthorized) as error:
            raise network.status_error(401, self._shown) from error
        except NotGitRepository as error:
            raise missing(
                self._shown, "Check the address; a private repository needs GIT_PASSWORD."
            ) from error
        except (GitProtocolError, HangupException, HTTPError) as error:
            if found := re.search(r"unexpected http resp (\d{3})", str(error)):
                raise network.status_error(int(found[1]), self._shown) from error
            if isinstance(error.__cause__, HTTPError):  # dulwich has made a text of it
                with self._client.translating(self._wanted.repository):
                    raise error.__cause__ from error
            raise network.unreachable(f"{self._shown} at {host.hostname}", "git's exchange broke") from error
        except _UnknownRefError as error:
            raise missing(
                self._shown,
                f"There is no branch or tag {self._wanted.ref!r}; give one that exists, or a commit.",
            ) from error
        if not chosen:
            raise missing(self._shown, "The repository is empty.")
        return chosen[0]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Tell a disk without room for the pack from a network that broke."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise writing_failed(error, Path(self._folder.name)) from error
            raise

    def _files(self, name: ObjectID) -> Iterator[Entry]:
        store = self._repository.object_store
        found = store[name]
        while isinstance(found, Tag):
            found = store[found.object[1]]
        if not isinstance(found, Commit):
            raise missing(self._shown, "The name points to something that is no commit.")
        for item in iter_tree_contents(store, found.tree):
            path = keys.below(self._wanted.path, (item.path or b"").decode("utf-8", "surrogateescape"))
            if path is None:
                continue
            if item.mode is None or item.mode & 0o170000 != FILE:
                kind = "a link" if item.mode == LINK else "a submodule"
                raise StorageError(
                    "unsafe_link",
                    f"{path!r} in {self._shown} is {kind}.",
                    "Commit plain files, or name a folder without it after #.",
                )
            key = (item.sha or b"").decode()
            yield Entry(path, len(self._blob(key)), key, key)

    def _blob(self, key: str) -> bytes:
        blob = self._repository.object_store[ObjectID(key.encode())]
        assert isinstance(blob, Blob)
        return blob.as_raw_string()


class _Requests:
    """Connections for dulwich, which leaves a refused answer unread and open."""

    def __init__(self, pool: PoolManager) -> None:
        self._pool = pool
        self.headers = pool.headers
        self._answers: list[BaseHTTPResponse] = []

    def request(self, *arguments: Any, **options: Any) -> BaseHTTPResponse:
        """Ask once, following redirects; trying again is the engine's, which counts and waits."""
        try:
            answer = self._pool.request(*arguments, **{**options, "retries": ONCE})
        except MaxRetryError as error:
            raise error.reason or error from error
        self._answers.append(answer)
        return answer

    def close(self) -> None:
        """Close what is still open."""
        for answer in self._answers:
            answer.close()


class _UnknownRefError(Exception):
    """The server has no such branch or tag."""


def _resolved(refs: Mapping[bytes, ObjectID | None], wanted: str | None) -> ObjectID:
    """Return the object that a name stands for: HEAD, a branch, a tag, or a commit by its whole name."""
    names: Iterable[str] = (f"refs/heads/{wanted}", f"refs/tags/{wanted}", wanted) if wanted else ("HEAD",)
    for name in names:
        if found := refs.get(name.encode()):
            return found
    if wanted and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", wanted):
        return ObjectID(wanted.encode())
    raise _UnknownRefError(wanted)
