"""What a status may say: every condition, reason and event, once, for the controller, the docs and the tests."""

from dataclasses import dataclass
from typing import Literal

Weight = Literal["progress", "failure", "refusal"]
"""Progress goes on by itself; a failure needs somebody (or time); a refusal needs a change of the object."""


@dataclass(frozen=True)
class Reason:
    """A stable code, when it is said, and what helps."""

    code: str
    weight: Weight
    meaning: str
    remedy: str = ""


@dataclass(frozen=True)
class ConditionType:
    """A condition and what True means."""

    type: str
    meaning: str


CONDITIONS = (
    ConditionType("Ready", "What the spec asks for answers: every component below, and the route."),
    ConditionType("PredictorReady", "The predictor's pods of the newest version answer."),
    ConditionType("TransformerReady", "The transformer's pods answer; only there with a transformer."),
    ConditionType("ExplainerReady", "The explainer's pods answer; only there with an explainer."),
    ConditionType("IngressReady", "The route from outside is accepted; only there when one is rendered."),
    ConditionType("Stopped", "The annotation serving.kserve.io/stop is true: there are no pods."),
)

PHASES = ("Resolving", "Starting", "Downloading", "Loading", "RollingOut")

_REASONS = (
    # On the way, in the order of the way.
    Reason("Resolving", "progress", "The object is new or has changed, and its pods are not made yet."),
    Reason("Starting", "progress", "Pods wait for a node, an image or a volume."),
    Reason(
        "Downloading", "progress", "The storage initializer fetches the model; the message says how far it is."
    ),
    Reason("Loading", "progress", "The server runs and loads the model."),
    Reason("RollingOut", "progress", "The new version comes up while the previous one still answers."),
    Reason("RoutePending", "progress", "The gateway has not looked at the route yet.",
           "see that the Gateway exists and that its controller runs"),
    Reason("Stopped", "progress", "The service is stopped by its annotation.",
           "remove the annotation serving.kserve.io/stop"),
    # The object, or what it refers to, is wrong.
    Reason("InvalidSpec", "refusal", "A rule does not hold; the message has its id, path and remedy."),
    Reason("NoSupportingRuntime", "refusal", "No runtime serves the model; the message says why each does not.",
           "install the chart's runtimes, or one of your own for the format"),
    Reason("RuntimeNotRecognized", "refusal", "The runtime that the spec names does not exist or does not fit.",
           "name a runtime that exists and serves the format"),
    Reason("RuntimeInvalid", "refusal", "The runtime that the spec names is itself invalid.", "mend the runtime"),
    Reason("ForeignObject", "refusal", "An object of a child's name belongs to somebody else and is left alone.",
           "delete or rename that object, or rename the InferenceService"),
    Reason("KindNotInstalled", "refusal", "The cluster does not know, or does not let us see, a kind that is needed.",
           "install its CRD, or choose another network mode or autoscaler"),
    Reason("ChildRefused", "refusal", "The API server or an admission policy refused a child.",
           "change the part of the spec that the message names"),
    Reason("Forbidden", "failure", "The controller has no right to write a child.",
           "grant the rights of the chart's role"),
    Reason("QuotaExceeded", "failure", "A quota of the namespace is used up.",
           "raise the quota, or ask for less under resources"),
    Reason("InternalError", "failure", "The controller met something that it did not expect.",
           "report it, with the controller's log"),
    # The pods.
    Reason("PodRefused", "failure", "The API server or an admission policy refused the pods.",
           "change the pod's fields, or the policy"),
    Reason("Unschedulable", "failure", "No node takes the pod.", "lower resources.requests, or add a node"),
    Reason("VolumeClaimMissing", "failure", "The volume claim does not exist in the namespace.",
           "create the claim, or correct its name"),
    Reason("VolumeMountFailed", "failure", "A volume cannot be mounted.",
           "see that what the volume refers to exists"),
    Reason("ConfigMissing", "failure", "A Secret or ConfigMap that the container reads does not exist.",
           "create it, or remove the reference"),
    Reason("ImagePullFailed", "failure", "The image cannot be pulled.",
           "check its name and tag, and imagePullSecrets for a private registry"),
    Reason("ContainerCannotStart", "failure", "The container's command cannot be started.",
           "check command, args and the image"),
    Reason("OutOfMemory", "failure", "The container needed more memory than its limit.",
           "raise resources.limits.memory"),
    Reason("StorageNotFound", "failure", "There is no model at the URI.", "check storageUri"),
    Reason("StorageAccessDenied", "failure", "The storage refuses access.", "check the credentials and their rights"),
    Reason("StorageFailed", "failure", "The model could not be fetched."),
    Reason("MissingModule", "failure", "The model needs a Python module that the image does not have.",
           "use an image with that module"),
    Reason("ModelLoadFailed", "failure", "The server cannot load the model.",
           "mend the model file, or choose a runtime that fits it"),
    Reason("Crashed", "failure", "The container ended with an error; the message has the end of its log."),
    Reason("NotAnswering", "failure", "The container runs, and its probe fails.",
           "read the log of the container"),
    Reason("Evicted", "failure", "The node threw the pod out.", "see the node's resources"),
    Reason("DeadlineExceeded", "failure", "The Deployment makes no progress, and nothing says why.",
           "see the events of its ReplicaSet"),
    # The route.
    Reason("RouteNotAccepted", "failure", "The gateway refused the route.",
           "check the Gateway, its listeners and the namespaces that it allows"),
    Reason("HostTaken", "refusal", "Another InferenceService already has this host.",
           ""),
)  # fmt: skip

REASONS: dict[str, Reason] = {reason.code: reason for reason in _REASONS}

_ROUTE = ("RoutePending", "RouteNotAccepted")
_CHILD = ("ForeignObject", "KindNotInstalled", "ChildRefused", "Forbidden", "QuotaExceeded")

GRAPH_CONDITIONS = (
    ConditionType("Ready", "The router answers, and every service that a request may reach."),
    ConditionType("SpecValid", "Only there, and False, when the graph comes to nothing."),
    ConditionType("ChildrenApplied", "Only there, and False, when a child of the graph was refused."),
    ConditionType("RouterReady", "A pod of the router answers."),
    ConditionType("RouteReady", "The route from outside is accepted; only there when one is rendered."),
    ConditionType("Node.NAME", "Every service that a request may reach from this node is ready."),
)

GRAPH_REASONS: dict[str, Reason] = {
    one.code: one
    for one in (
        Reason("Starting", "progress", "The router's Deployment, or its first pod, is not there yet."),
        Reason("ServiceNotReady", "progress", "An InferenceService that the graph calls is not ready; its own status "
               "says why. False where that one is False."),
        Reason("ServiceNotFound", "failure", "The graph calls an InferenceService that is not there.",
               "create it, or correct serviceName; the graph waits for it"),
        Reason("ServiceNotValid", "failure", "An InferenceService that the graph calls comes to nothing itself.",
               "see its status"),
        Reason("RouterFailed", "failure", "The Deployment of the router makes no progress; the message says why.",
               "see the pods of that Deployment"),
        Reason("ScaledToZero", "failure", "minReplicas is 0, so no router runs.", "raise minReplicas"),
        *(REASONS[code] for code in ("InvalidSpec", "InternalError", *_CHILD, *_ROUTE)),
    )
}  # fmt: skip
"""What the status of an InferenceGraph may say."""

MODEL_CONDITIONS = (
    ConditionType("Ready", "The servers of the parent have the model."),
    ConditionType("InferenceServiceReady", "The InferenceService that is to serve it is ready."),
    ConditionType(
        "Loaded", "Every server of the parent that answers has loaded it, or will at its next request."
    ),
)

MODEL_REASONS: dict[str, Reason] = {
    one.code: one
    for one in (
        Reason("InvalidSpec", "refusal", "The TrainedModel is not valid.", "kserve-lite validate says why"),
        Reason("ParentMissing", "failure", "There is no InferenceService of that name; the model waits for it."),
        Reason("ParentNotValid", "failure", "The InferenceService is not valid.", "see its status"),
        Reason("ParentHasOwnModel", "refusal", "The InferenceService has a model of its own.",
               "remove its storageUri"),
        Reason("ParentNotReady", "failure", "The InferenceService is not ready; the message repeats its own."),
        Reason("NoServerAnswers", "progress", "No server of the InferenceService answers yet."),
        Reason("Loading", "progress", "A server is fetching or loading the model."),
        Reason("Updating", "progress", "The version before answers until a server has loaded this one."),
        Reason("ModelLoadFailed", "failure", "A server cannot load the model; the message is its own."),
    )
}  # fmt: skip
"""What the status of a TrainedModel may say."""


@dataclass(frozen=True)
class EventReason:
    """An event: its type, its reason, and when it is said. Failures and refusals are events under their own codes."""

    type: Literal["Normal", "Warning"]
    reason: str
    meaning: str


EVENTS = (
    EventReason("Normal", "InferenceServiceReady", "The service became ready; the note is its URL."),
    EventReason("Normal", "InferenceServiceStopped", "The service was stopped by its annotation."),
    EventReason(
        "Normal", "InferenceGraphReady", "The graph became ready; the note is its URL (on the graph)."
    ),
    EventReason("Normal", "RuntimeChanged", "The service is served by another runtime, or revision of it."),
    EventReason(
        "Warning", "IgnoredSetting", "Something in the object has no effect; the note says what and why."
    ),
    EventReason("Warning", "RuntimeInvalid", "A ServingRuntime is invalid and is not used (on the runtime)."),
    EventReason(
        "Warning", "RuntimeConflict", "Two runtimes would serve a model equally well (on the runtime)."
    ),
)
