"""From an InferenceGraph as the API server has it, and the services around it, to what it comes to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.api.inferencegraph import InferenceGraph
from kserve_lite.api.manifests import load
from kserve_lite.api.problems import InvalidObject, Problem
from kserve_lite.controller.installed import plain
from kserve_lite.render.graph import render_graph
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.graph import EffectiveGraph, named, resolve_graph

log = logging.getLogger(__name__)

Object = dict[str, Any]


@dataclass(frozen=True)
class UnderstoodGraph:
    """The effective graph and its children, or what stands against it; `graph` is there when the spec is valid."""

    graph: InferenceGraph | None = None
    effective: EffectiveGraph | None = None
    children: tuple[Object, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_graph(obj: Object) -> UnderstoodGraph:
    """Return the graph as it is written. Never raises: one object that we cannot deal with stops no other."""
    try:
        graph = load({key: value for key, value in plain(obj).items() if key != "status"})
    except InvalidObject as invalid:
        return UnderstoodGraph(problems=invalid.problems)
    except Exception as error:
        log.exception("InferenceGraph %s", obj["metadata"]["name"])
        return UnderstoodGraph(problems=(Problem("internal", "", f"{type(error).__name__}: {error}"),))
    assert isinstance(graph, InferenceGraph)
    return UnderstoodGraph(graph=graph)


def understand_graph(
    graph: InferenceGraph, services: Mapping[str, Effective | None], config: Config
) -> UnderstoodGraph:
    """Return what the graph comes to; a service that is None is there and comes to nothing itself."""
    unclear = [
        Problem("service_not_valid", "", f"the InferenceService {name} is not valid itself", "see its status")
        for name in dict.fromkeys(named(graph))
        if name in services and services[name] is None
    ]
    if unclear:
        return UnderstoodGraph(graph, problems=tuple(unclear))
    known = {name: service for name, service in services.items() if service is not None}
    effective = resolve_graph(graph, known, config)
    if isinstance(effective, list):
        return UnderstoodGraph(graph, problems=tuple(effective))
    return UnderstoodGraph(graph, effective, tuple(render_graph(effective, config)))
