"""A graph ready to take requests, and the one that takes its place when the file changes."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from kserve_lite_server.graph.call import Call
from kserve_lite_server.graph.document import ROOT, Graph, Node
from kserve_lite_server.graph.heads import KNOWN, LONGEST_KNOWN, RequestHead
from kserve_lite_server.graph.leaf import Leaf
from kserve_lite_server.graph.message import Message
from kserve_lite_server.graph.metrics import GraphMetrics
from kserve_lite_server.graph.nodes import Ensemble, Part, Sequence, Splitter, Switch, Target
from kserve_lite_server.graph.pool import Origin, Pool

ALWAYS = frozenset((b"traceparent", b"tracestate", b"baggage", b"x-request-id", b"b3"))
"""Headers that every step gets: they tie logs and traces together and carry nothing secret."""
ALWAYS_PREFIX = "x-b3-"
NEVER = frozenset(("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
                   "upgrade", "expect", "accept", "accept-encoding", "graph-trace"))  # fmt: skip
NEVER_PREFIX = "proxy-"
"""Headers that speak of one connection or that the router writes itself."""


class Router:
    """One revision of the graph."""

    def __init__(self, graph: Graph, pool: Pool, metrics: GraphMetrics, longest: int) -> None:
        """`longest` bounds the bytes of an answer that has to be held whole."""
        self.graph = graph
        self._leaves: list[Leaf] = []
        self._nodes: dict[str, Target] = {}
        self._heads: dict[bytes, RequestHead] = {}
        self._forwards = forwards(graph.headers)
        for name in graph.nodes:
            self._build(name, pool, metrics, longest)
        root = self._nodes[ROOT]
        self.streams = root.streams
        self._take = root.take

    @property
    def origins(self) -> list[Origin]:
        """Everything that is called."""
        return [leaf.origin for leaf in self._leaves]

    def head(self, raw: bytes) -> RequestHead:
        """Parse a request's head. Raises `BadHead`."""
        head = self._heads.get(raw)
        if head is None:
            head = RequestHead(raw, self._forwards)
            if len(raw) <= LONGEST_KNOWN:
                if len(self._heads) >= KNOWN:
                    self._heads.clear()
                self._heads[raw] = head
        return head

    def answer(self, call: Call, message: Message) -> Coroutine[Any, Any, Message]:
        """Take a request through the graph. Raises `ServeError`."""
        return self._take(call, message, True)

    def _build(self, name: str, pool: Pool, metrics: GraphMetrics, longest: int) -> Target:
        if name not in self._nodes:
            node = self.graph.nodes[name]
            parts = []
            for step in node.steps:
                target: Target
                if step.node:
                    target = self._build(step.node, pool, metrics, longest)
                else:
                    target = Leaf(f"{name}.{step.name}", step, pool, metrics.step(name, step.name), longest)
                    self._leaves.append(target)
                parts.append(Part(name, step, target))
            self._nodes[name] = make_node(name, node, parts)
        return self._nodes[name]


def make_node(name: str, node: Node, parts: list[Part]) -> Target:
    """The node of a type."""
    match node.kind:
        case "Sequence":
            return Sequence(parts)
        case "Switch":
            return Switch(name, parts)
        case "Splitter":
            return Splitter(name, parts, node.hash_header)
        case _:
            return Ensemble(parts)


def forwards(patterns: tuple[re.Pattern[str], ...]) -> Callable[[str], bool]:
    """Whether a header goes to the steps: those of a trace always, others when a pattern occurs in their name."""

    def goes(name: str) -> bool:
        if name in NEVER or name.startswith(NEVER_PREFIX):
            return False
        if name.encode("latin-1") in ALWAYS or name.startswith(ALWAYS_PREFIX):
            return True
        return any(pattern.search(name) for pattern in patterns)

    return goes
