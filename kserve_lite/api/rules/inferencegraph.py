"""Rules about graphs."""

from kserve_lite.api.gjson import ConditionError, compiled
from kserve_lite.api.inferencegraph import ROOT, InferenceGraphSpec, Node, Step
from kserve_lite.api.marks import Rule
from kserve_lite.api.rules.match import matches

CONDITIONAL = ("Sequence", "Switch")


def unique_names(node: Node) -> bool:
    """Return whether no two steps have one name."""
    names = [step.name for step in node.steps or () if step.name is not None]
    return len(set(names)) == len(names)


def weighed(node: Node) -> bool:
    """Return whether a Splitter's weights are all there and sum up to 100."""
    if node.router_type != "Splitter":
        return True
    weights = [step.weight for step in node.steps or ()]
    return None not in weights and sum(weight or 0 for weight in weights) == 100


def known_nodes(spec: InferenceGraphSpec) -> bool:
    """Return whether every node that a step hops to is there."""
    return all(
        step.node_name is None or step.node_name in spec.nodes
        for node in spec.nodes.values()
        for step in node.steps or ()
    )


def acyclic(spec: InferenceGraphSpec) -> bool:
    """Return whether no request can come back to a node where it was."""
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> bool:
        if name in above:
            return False
        if name not in done and name in spec.nodes:
            steps = spec.nodes[name].steps or ()
            if not all(visit(step.node_name, (*above, name)) for step in steps if step.node_name):
                return False
            done.add(name)
        return True

    return all(visit(name, ()) for name in spec.nodes)


def understood(step: Step) -> bool:
    """Return whether the condition can be compiled."""
    try:
        compiled(step.condition or "@this")
    except ConditionError:
        return False
    return True


def only_in_sequences(node: Node) -> bool:
    """Return whether only a Sequence says what becomes of the answer before a step."""
    return node.router_type == "Sequence" or not any(
        step.data == "$response" or step.map_predictions_to_instances for step in node.steps or ()
    )


STEPS = "!has(self.steps) || self.steps"
URL = "^https?://[^/?#]+"

RULES = (
    # G2
    Rule(
        id="root_node",
        on=InferenceGraphSpec,
        cel=f"'{ROOT}' in self.nodes",
        message=f"a graph needs a node called {ROOT}, where requests enter",
        remedy=f"give this name to the first node: nodes.{ROOT}",
        holds=lambda spec: ROOT in spec.nodes,
        field=".nodes",
    ),
    Rule(
        id="unknown_node",
        on=InferenceGraphSpec,
        cel=(
            "self.nodes.all(n, !has(self.nodes[n].steps) || "
            "self.nodes[n].steps.all(s, !has(s.nodeName) || s.nodeName in self.nodes))"
        ),
        message="nodeName of a step must be a node of this graph",
        remedy="correct the name or add the node",
        holds=known_nodes,
        field=".nodes",
    ),
    Rule(
        id="graph_cycle",
        on=InferenceGraphSpec,
        cel="",
        message="a request would come back to a node where it was",
        remedy="let no step lead back",
        holds=acyclic,
        field=".nodes",
        in_crd=False,
    ),
    Rule(
        id="steps_missing",
        on=Node,
        cel="has(self.steps) && size(self.steps) > 0",
        message="a node needs steps",
        remedy="add `steps`",
        holds=lambda node: bool(node.steps),
    ),
    # G3
    Rule(
        id="step_name_twice",
        on=Node,
        cel=f"{STEPS}.all(a, !has(a.name) || size(self.steps.filter(b, has(b.name) && b.name == a.name)) == 1)",
        message="no two steps of a node may have one name",
        remedy="rename one of them",
        holds=unique_names,
        field=".steps",
    ),
    # G4
    Rule(
        id="step_target",
        on=Step,
        cel="size([has(self.nodeName), has(self.serviceName), has(self.serviceUrl)].filter(given, given)) == 1",
        message="a step needs exactly one of nodeName, serviceName and serviceUrl",
        remedy="keep one of them",
        holds=lambda step: [step.node_name, step.service_name, step.service_url].count(None) == 2,
    ),
    # G5
    Rule(
        id="splitter_weights",
        on=Node,
        cel=(
            "self.routerType != 'Splitter' || (has(self.steps) && self.steps.all(s, has(s.weight)) && "
            "self.steps.map(s, s.weight).sum() == 100)"
        ),
        message="every step of a Splitter needs a weight, and all weights together must be 100",
        remedy="correct the weights",
        holds=weighed,
        field=".steps",
    ),
    Rule(
        id="weight_unused",
        on=Node,
        cel=f"self.routerType == 'Splitter' || {STEPS}.all(s, !has(s.weight))",
        message="only a Splitter has weights",
        remedy="remove weight, or make the node a Splitter",
        holds=lambda node: (
            node.router_type == "Splitter" or all(step.weight is None for step in node.steps or ())
        ),
        field=".steps",
    ),
    Rule(
        id="switch_condition",
        on=Node,
        cel=f"self.routerType != 'Switch' || {STEPS}.all(s, has(s.condition) && size(s.condition) > 0)",
        message="every step of a Switch needs a condition",
        remedy="add `condition`",
        holds=lambda node: node.router_type != "Switch" or all(step.condition for step in node.steps or ()),
        field=".steps",
    ),
    Rule(
        id="condition_unused",
        on=Node,
        cel=f"self.routerType in [{', '.join(map(repr, CONDITIONAL))}] || {STEPS}.all(s, !has(s.condition))",
        message="only steps of a Sequence or a Switch have conditions",
        remedy="remove condition, or make the node a Switch",
        holds=lambda node: (
            node.router_type in CONDITIONAL or all(step.condition is None for step in node.steps or ())
        ),
        field=".steps",
    ),
    Rule(
        id="condition_first",
        on=Node,
        cel=(
            "self.routerType != 'Sequence' || !has(self.steps) || size(self.steps) == 0 || "
            "!has(self.steps[0].condition)"
        ),
        message="the first step of a Sequence has no answer before it that a condition could read",
        remedy="remove condition, or put a Switch before the Sequence",
        holds=lambda node: (
            node.router_type != "Sequence" or not node.steps or node.steps[0].condition is None
        ),
        field=".steps",
    ),
    Rule(
        id="condition_unparsable",
        on=Step,
        cel="",
        message="the condition is none that is understood here",
        remedy="write a GJSON path such as `instances.#(age>30)`; docs/guides/graphs.md lists what there is",
        holds=understood,
        field=".condition",
        in_crd=False,
    ),
    Rule(
        id="response_unused",
        on=Node,
        cel=(
            f"self.routerType == 'Sequence' || {STEPS}.all(s, (!has(s.data) || s.data != '$response') && "
            "(!has(s.mapPredictionsToInstances) || !s.mapPredictionsToInstances))"
        ),
        message="only steps of a Sequence have an answer before them",
        remedy="remove data: $response and mapPredictionsToInstances, or make the node a Sequence",
        holds=only_in_sequences,
        field=".steps",
    ),
    Rule(
        id="hash_header_unused",
        on=Node,
        cel="self.routerType == 'Splitter' || !has(self.hashHeader)",
        message="only a Splitter has something to choose by a header",
        remedy="remove hashHeader, or make the node a Splitter",
        holds=lambda node: node.router_type == "Splitter" or node.hash_header is None,
        field=".hashHeader",
    ),
    Rule(
        id="step_without_call",
        on=Step,
        cel="!has(self.nodeName) || (!has(self.timeout) && !has(self.retries))",
        message="a step that leads to a node calls nothing itself",
        remedy="give timeout and retries to the steps of that node",
        holds=lambda step: step.node_name is None or (step.timeout is None and step.retries is None),
    ),
    Rule(
        id="step_url",
        on=Step,
        cel=f"!has(self.serviceUrl) || self.serviceUrl.matches('{URL}')",
        message="serviceUrl must begin with http:// or https:// and a host",
        remedy="correct the URL",
        holds=lambda step: step.service_url is None or matches(URL, step.service_url),
        field=".serviceUrl",
    ),
)
