"""The children of an InferenceGraph: the router's file, its Service, Deployment, budget, autoscaler and route."""

from collections.abc import Iterator
from typing import Any

from kserve_lite.api.config import Config
from kserve_lite.render.routes import route_objects
from kserve_lite.resolve.component import strategy
from kserve_lite.resolve.defaults import SPREAD_SECONDS
from kserve_lite.resolve.graph import FILE, GRAPH, PORT, EffectiveGraph

Object = dict[str, Any]


def render_graph(graph: EffectiveGraph, config: Config) -> list[Object]:
    """Return the children as Kubernetes JSON in the order of applying, without owner references."""
    return list(_children(graph, config))


def _children(graph: EffectiveGraph, config: Config) -> Iterator[Object]:
    selector = {GRAPH: graph.name}
    scaling = graph.scaling
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _head(graph, config_map(graph.name)),
        "data": {FILE: graph.text},
    }
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _head(graph),
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [{"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}],
        },
    }
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _head(graph),
        "spec": {
            **({} if scaling.replicas is None else {"replicas": scaling.replicas}),
            "selector": {"matchLabels": selector},
            "strategy": strategy({}),
            "minReadySeconds": SPREAD_SECONDS,
            "template": _template(graph, selector),
        },
    }
    if config.pods.disruption_budget and scaling.least > 1:
        yield {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": _head(graph),
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": selector},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
    if scaling.scaler == "hpa":
        yield {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": _head(graph),
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": graph.name},
                "minReplicas": scaling.least,
                "maxReplicas": scaling.most,
                "metrics": [dict(metric) for metric in scaling.metrics],
            },
        }
    for route in route_objects(graph, config):
        yield {**route, "metadata": {**route["metadata"], "labels": {GRAPH: graph.name}}}


def config_map(graph: str) -> str:
    """Return the name of the ConfigMap with a graph's file."""
    return f"{graph}-graph"


def _template(graph: EffectiveGraph, labels: dict[str, str]) -> Object:
    volume = {"name": "graph", "configMap": {"name": config_map(graph.name)}}
    return {
        "metadata": {
            "labels": dict(labels),
            "annotations": {"prometheus.kserve.io/port": str(PORT), "prometheus.kserve.io/path": "/metrics"},
        },
        "spec": {**graph.pod, "containers": [dict(graph.container)], "volumes": [volume]},
    }


def _head(graph: EffectiveGraph, name: str = "") -> Object:
    return {"name": name or graph.name, "namespace": graph.namespace, "labels": {GRAPH: graph.name}}
