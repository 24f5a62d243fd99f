"""The graph as a file: JSON that `kserve-lite` renders from an InferenceGraph, with every service's URL filled in."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kserve_lite_server.errors import StartError
from kserve_lite_server.graph.conditions import Path

ROOT = "root"
KINDS = ("Sequence", "Switch", "Ensemble", "Splitter")


class GraphInvalid(StartError):
    """The file is no graph that can be run; the message says where and why."""

    code = "graph_invalid"


class Condition(NamedTuple):
    """`text` as the user wrote it, `path` as it was compiled."""

    text: str
    path: Path


class Step(NamedTuple):
    """One call (`url`; `host` where its Host header differs) or one hop (`node`)."""

    name: str
    url: str
    host: str
    node: str
    response: bool  # takes the answer of the step before, not the node's request
    weight: int
    condition: Condition | None
    hard: bool
    timeout: float
    retries: int
    maps: bool  # turns predictions into instances


class Node(NamedTuple):
    """Steps, and how a request goes through them."""

    kind: str
    hash_header: str
    steps: tuple[Step, ...]


class Graph(NamedTuple):
    """Everything that the router does. Times are seconds; `timeout` is for a request as a whole, None for no limit."""

    name: str
    revision: str
    timeout: float | None
    read: float
    write: float
    idle: float
    headers: tuple[re.Pattern[str], ...]
    nodes: Mapping[str, Node]


def read(text: bytes) -> Graph:
    """Read a graph. Raises `GraphInvalid`."""
    try:
        value = json.loads(text)
        nodes = {name: _node(name, node) for name, node in value["nodes"].items()}
        graph = Graph(
            name=value["name"],
            revision=value.get("revision", ""),
            timeout=value.get("timeout"),
            read=value.get("read", 60.0),
            write=value.get("write", 60.0),
            idle=value.get("idle", 180.0),
            headers=tuple(re.compile(one, re.IGNORECASE) for one in value.get("headers", ())),
            nodes=nodes,
        )
    except json.JSONDecodeError as error:
        raise GraphInvalid(f"the graph is not JSON: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
        raise GraphInvalid(f"the graph has not the expected shape: {type(error).__name__}: {error}") from None
    _check(graph)
    return graph


def _node(name: str, value: Mapping[str, Any]) -> Node:
    steps = tuple(_step(name, index, step) for index, step in enumerate(value["steps"]))
    if value["type"] not in KINDS:
        raise GraphInvalid(f"node {name}: there is no type {value['type']!r}; known: {', '.join(KINDS)}")
    if not steps:
        raise GraphInvalid(f"node {name} has no steps")
    if value["type"] == "Splitter" and sum(step.weight for step in steps) != 100:
        raise GraphInvalid(f"node {name}: the weights of a Splitter must be 100 together")
    if value["type"] == "Switch" and any(step.condition is None for step in steps):
        raise GraphInvalid(f"node {name}: every step of a Switch needs a condition")
    return Node(value["type"], value.get("hashHeader", "").lower(), steps)


def _step(node: str, index: int, value: Mapping[str, Any]) -> Step:
    name = value.get("name") or str(index)
    url, hop = value.get("url", ""), value.get("node", "")
    if bool(url) == bool(hop):
        raise GraphInvalid(f"step {node}.{name} needs either a url or a node")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise GraphInvalid(f"step {node}.{name}: {url!r} is no http URL")
    condition = value.get("condition")
    return Step(
        name=name,
        url=url,
        host=value.get("host", ""),
        node=hop,
        response=value.get("response", False),
        weight=value.get("weight", 0),
        condition=Condition(condition["text"], condition["path"]) if condition else None,
        hard=value.get("hard", False),
        timeout=float(value.get("timeout", 60.0)),
        retries=value.get("retries", 0),
        maps=value.get("maps", False),
    )


def _check(graph: Graph) -> None:
    """Every hop leads to a node, and none leads back."""
    if ROOT not in graph.nodes:
        raise GraphInvalid(f"the graph has no node {ROOT}, where requests enter")

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise GraphInvalid(f"a request would come back to node {name}: {' -> '.join((*above, name))}")
        for step in graph.nodes[name].steps:
            if step.node and step.node not in graph.nodes:
                raise GraphInvalid(f"step {name}.{step.name} leads to node {step.node}, which is not there")
            if step.node:
                visit(step.node, (*above, name))

    for name in graph.nodes:
        visit(name, ())
