"""Paths to handlers: a table, and the rule between 404 and 405."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.response import Response

Handler = Callable[..., Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """`{name}` in a path stands for one part of it, without / and :, and is given to the handler by that
    name."""

    method: str
    path: str
    handler: Handler
    protocol: str = ""  # label of logs and metrics; empty: not about a model


class Routes:
    """Finds a route for a method and a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(_pattern(route.path), route) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the path's parts. Raises `ServeError` "not_found", or `MethodNotAllowed`."""
        allowed: list[str] = []
        wanted = "GET" if method == "HEAD" else method
        for pattern, route in self._routes:
            if match := pattern.fullmatch(path):
                if route.method == wanted:
                    return route, match.groupdict()
                allowed.append(route.method)
        if allowed:
            raise MethodNotAllowed(method, path, allowed)
        raise ServeError("not_found", f"there is nothing at {path}; the API begins at /v1/models and /v2")


class MethodNotAllowed(ServeError):
    """The path exists for other methods, named in `allow`."""

    def __init__(self, method: str, path: str, allowed: list[str]) -> None:
        self.allow = ", ".join(sorted({*allowed, "HEAD"} if "GET" in allowed else set(allowed)))
        super().__init__("method_not_allowed", f"{path} takes {self.allow}, not {method}")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(path)) + "/?")
