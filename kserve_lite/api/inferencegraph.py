"""InferenceGraph v1alpha1: requests that go through several services."""

from typing import Literal

from pydantic import Field

from kserve_lite.api.component import Scaled
from kserve_lite.api.container import Affinity, Resources, Tolerations
from kserve_lite.api.definition import Definition, Resource, Status
from kserve_lite.api.marks import ATOMIC, Column, Kind, keyed
from kserve_lite.api.status import Condition

ROOT = "root"
"""The node where every request enters."""


class Step(Definition):
    """One call, or one hop to another node."""

    name: str | None = Field(None, max_length=63, description="Name of the step, unique in its node.")
    service_name: str | None = Field(
        None, max_length=63, description="An InferenceService of the same namespace."
    )
    service_url: str | None = Field(None, max_length=2048, description="A URL, instead of serviceName.")
    node_name: str | None = Field(None, max_length=63, description="Another node, instead of a service.")
    data: Literal["$request", "$response"] | None = Field(
        None, description="$request, or $response of the step before."
    )
    weight: int | None = Field(None, ge=0, le=100, description="Percent of the requests, in a Splitter.")
    condition: str | None = Field(None, max_length=1024, description="When the step is taken, in GJSON.")
    dependency: Literal["Soft", "Hard"] | None = Field(
        None, description="Hard: its failure fails the request."
    )
    map_predictions_to_instances: bool | None = Field(
        None, description="Turn predictions before it into instances."
    )
    timeout: int | None = Field(
        None, ge=1, le=86400, description="Seconds for the call with all its retries (kserve-lite only)."
    )
    retries: int | None = Field(
        None, ge=0, le=5, description="More attempts after 502, 503 or 504 (kserve-lite only)."
    )


class Node(Definition):
    """Steps, and how requests go through them."""

    router_type: Literal["Sequence", "Splitter", "Ensemble", "Switch"] = Field(
        description="One after another, one by weight, all at once, or the first whose condition holds."
    )
    hash_header: str | None = Field(
        None,
        max_length=63,
        description="Of a Splitter: requests with one value of this header take one step (kserve-lite only).",
    )
    steps: list[Step] | None = Field(None, max_length=32, json_schema_extra=ATOMIC, description="The steps.")


class RouterTimeouts(Definition):
    """How long the router waits, in seconds."""

    server_read: int | None = Field(None, ge=1, description="For a request to arrive whole.")
    server_write: int | None = Field(None, ge=1, description="For an answer to be taken.")
    server_idle: int | None = Field(None, ge=1, description="For the next request of a connection.")
    service_client: int | None = Field(None, ge=1, description="For one step to answer.")


class InferenceGraphSpec(Scaled):
    """The nodes, and the router's pods."""

    nodes: dict[str, Node] = Field(
        min_length=1, max_length=32, description="Nodes by name; requests enter at root."
    )
    resources: Resources | None = Field(None, description="Of the router.")
    affinity: Affinity | None = Field(None, description="Of the router's pods.")
    tolerations: Tolerations | None = Field(None, description="Of the router's pods.")
    node_selector: dict[str, str] | None = Field(None, description="Of the router's pods.")
    node_name: str | None = Field(None, max_length=253, description="Of the router's pods.")
    service_account_name: str | None = Field(None, max_length=253, description="Of the router's pods.")
    timeout: int | None = Field(None, ge=0, description="Seconds until a request is given up.")
    router_timeouts: RouterTimeouts | None = Field(None, description="How long the router waits.")


class InferenceGraphStatus(Status):
    """What the controller reports."""

    observed_generation: int | None = Field(None, description="Generation of the spec that this is about.")
    conditions: list[Condition] | None = Field(None, json_schema_extra=keyed("type"), description="Aspects.")
    url: str | None = Field(None, description="Where it answers; left out where nothing would.")
    annotations: dict[str, str] | None = Field(None, description="Notes of the controller.")
    deployment_mode: str | None = Field(None, description="Always Standard.")


class InferenceGraph(Resource):
    """Requests that go through several services."""

    api_version: Literal["serving.kserve.io/v1alpha1"]
    kind: Literal["InferenceGraph"]
    spec: InferenceGraphSpec = Field(description="The nodes, and the router's pods.")
    status: InferenceGraphStatus | None = Field(None, description="What the controller reports.")


KIND = Kind(
    model=InferenceGraph,
    version="v1alpha1",
    plural="inferencegraphs",
    short_names=("ig",),
    status=True,
    columns=(
        Column("URL", ".status.url"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Age", ".metadata.creationTimestamp", "date"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason", priority=1),
    ),
)
