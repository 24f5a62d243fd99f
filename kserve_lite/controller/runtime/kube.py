"""The Kubernetes API as plain dicts: its verbs, pages, watches and refusals.

Objects stay dicts from the wire to reconcile: one malformed object must not make a whole list undecodable, and
children are merged and applied as dicts anyway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from kserve_lite.controller.runtime import kubeconfig as files
from kserve_lite.controller.runtime.errors import TRANSIENT, ApiError, NoAccess
from kserve_lite.controller.runtime.wire import Answer, Wire

__all__ = ["TRANSIENT", "ApiError", "Event", "Key", "Kind", "Kube", "Object", "Page", "Written"]

Object = dict[str, Any]

PAGE = 500
WATCH_SECONDS = 290  # the server ends the watch; a fresh one resumes from the last bookmark
SILENCE_SECONDS = 120.0  # bookmarks come about once a minute: longer silence may be a half-open connection


class Key(NamedTuple):
    """Which object of a kind: namespace ('' when the kind has none) and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource of the API: where it lives and whether it is namespaced."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, of one object, or of its subresource."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        return "/".join([*parts, self.plural, *filter(None, (name, subresource))])

    def resource(self, subresource: str = "") -> str:
        """`deployments.apps`, `pods/log`: how rights and metrics name it."""
        return (
            self.plural
            + (f".{self.group}" if self.group else "")
            + (f"/{subresource}" if subresource else "")
        )


POD = Kind("", "v1", "Pod", "pods")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the version at which the whole list was read."""

    items: list[Object]
    version: str
    more: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a watch: ADDED, MODIFIED, DELETED or BOOKMARK; OPENED when it begins."""

    type: str
    object: Object


@dataclass(frozen=True, slots=True)
class Written:
    """The object as the server stored it, and whether the write made it."""

    object: Object
    created: bool


@dataclass
class Kube:
    """Requests to one API server. `counts` tells how many of each verb were sent, for metrics and tests."""

    wire: Wire
    namespace: str
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def connect(cls, kubeconfig: Path | None = None, context: str | None = None) -> Kube:
        """Connect by the given file, else as the pod's service account, else by `KUBECONFIG` or `~/.kube/config`."""
        try:
            access = files.find(kubeconfig, context)
            return cls(Wire(access), access.namespace)
        except NoAccess as error:
            raise _unusable(error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self.wire.close()

    async def pages(
        self, kind: Kind, namespace: str = "", labels: str = "", fields: str = ""
    ) -> AsyncIterator[Page]:
        """Read a collection page by page; all pages show it at one version."""
        params = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
        params |= {"fieldSelector": fields} if fields else {}
        while True:
            answer = _decode(await self._send("list", kind, "GET", kind.path(namespace), params=params))
            meta = answer["metadata"]
            more = meta.get("continue", "")
            for item in answer.get("items") or ():
                # Items of a list carry no kind of their own; everything else here does.
                item.setdefault("apiVersion", kind.api_version)
                item.setdefault("kind", kind.kind)
            yield Page(answer.get("items") or [], meta["resourceVersion"], bool(more))
            if not more:
                return
            params["continue"] = more

    async def watch(
        self, kind: Kind, version: str, namespace: str = "", labels: str = ""
    ) -> AsyncIterator[Event]:
        """Follow a collection from `version` until the server ends the watch or is silent for too long.

        A server says nothing for minutes of a kind that never changed, so silence alone is no fault: a new watch tells
        a quiet server from a dead connection. The first event is OPENED, with an object without anything. Raises
        `ApiError` 410 when `version` is too old.
        """
        params = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        } | ({"labelSelector": labels} if labels else {})
        self._count("watch", kind)
        path = kind.path(namespace)
        try:
            async with self.wire.stream(path, params, SILENCE_SECONDS) as (answer, lines):
                if answer.status >= 400:
                    raise _error(answer)
                yield Event("OPENED", {})
                async for line in lines:
                    event = msgspec.json.decode(line)
                    if event["type"] == "ERROR":
                        raise _status(event["object"], event["object"].get("code", 500))
                    yield Event(event["type"], event["object"])
        except NoAccess as error:
            raise _unusable(error) from error

    async def get(self, kind: Kind, key: Key) -> Object:
        """Read one object from the server."""
        return _decode(await self._send("get", kind, "GET", kind.path(*key)))

    async def log_tail(self, pod: Key, container: str, lines: int, *, previous: bool = False) -> str:
        """Read the last lines of a container's log; 400 when it has none yet."""
        params = {"container": container, "tailLines": str(lines), "limitBytes": "16384"}
        if previous:
            params["previous"] = "true"
        path = POD.path(*pod, "log")
        answer = await self._send("get", POD, "GET", path, params=params, subresource="log")
        return answer.body.decode(errors="replace")

    async def create(self, kind: Kind, obj: Object) -> Object:
        """Create an object; 409 when there is one of that name."""
        path = kind.path(obj["metadata"].get("namespace", ""))
        return _decode(await self._send("create", kind, "POST", path, body=obj))

    async def replace(self, kind: Kind, obj: Object) -> Object:
        """Replace an object; 409 when it changed since its resourceVersion."""
        path = kind.path(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        return _decode(await self._send("update", kind, "PUT", path, body=obj))

    async def apply(self, kind: Kind, obj: Object, manager: str, *, force: bool) -> Written:
        """Server-side apply; without `force`, 409 names the fields that another manager owns."""
        meta = obj["metadata"]
        answer = await self._send(
            "patch",
            kind,
            "PATCH",
            kind.path(meta.get("namespace", ""), meta["name"]),
            params={"fieldManager": manager, "force": "true" if force else "false"},
            body=obj,
            content_type="application/apply-patch+yaml",
        )
        return Written(_decode(answer), created=answer.status == 201)

    async def merge(
        self, kind: Kind, key: Key, patch: Object, subresource: str = "", *, strategic: bool = False
    ) -> Object:
        """Merge-patch an object or its subresource; `None` removes a key.

        A `strategic` one knows the keys of lists, and `$patch: replace`; only kinds of Kubernetes itself take it.
        """
        path = kind.path(*key, subresource)
        return _decode(
            await self._send(
                "patch",
                kind,
                "PATCH",
                path,
                body=patch,
                content_type=f"application/{'strategic-' if strategic else ''}merge-patch+json",
                subresource=subresource,
            )
        )

    async def delete(self, kind: Kind, key: Key, uid: str) -> None:
        """Delete exactly the object with that uid; gone already, or another one of that name by now, is fine."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self._send("delete", kind, "DELETE", kind.path(*key), body=body)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    async def _send(
        self,
        verb: str,
        kind: Kind,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        subresource: str = "",
    ) -> Answer:
        self._count(verb, kind, subresource)
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = await self.wire.request(
                method, path, params=params, body=content, content_type=content_type
            )
        except NoAccess as error:
            raise _unusable(error) from error
        if answer.status >= 400:
            raise _error(answer)
        return answer

    def _count(self, verb: str, kind: Kind, subresource: str = "") -> None:
        counted = (verb, kind.resource(subresource))
        self.counts[counted] = self.counts.get(counted, 0) + 1


def _decode(answer: Answer) -> Object:
    return cast(Object, msgspec.json.decode(answer.body))


def _unusable(error: NoAccess) -> ApiError:
    return ApiError(0, "BadConfig", f"the kubeconfig cannot be used: {error}")


def _error(answer: Answer) -> ApiError:
    """A proxy in between may answer with something else than a Status object."""
    try:
        status = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        status = {"message": answer.body.decode(errors="replace")[:200]}
    return _status(status, answer.status, answer.retry_after)


def _status(status: Any, code: int, retry_after: float | None = None) -> ApiError:
    fields = status if isinstance(status, dict) else {}
    details = fields.get("details")
    causes = details.get("causes") or () if isinstance(details, dict) else ()
    ending = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    reason, message = fields.get("reason") or "Unknown", fields.get("message") or ""
    return ApiError(code, reason, message, retry_after, ending=ending)
