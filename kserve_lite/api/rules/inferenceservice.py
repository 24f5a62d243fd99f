"""Rules about what a service consists of and where its model comes from."""

from kserve_lite.api.component import Component, StorageUri
from kserve_lite.api.inferenceservice import (
    ComponentPod,
    Explainer,
    InferenceServiceSpec,
    Predictor,
    Transformer,
)
from kserve_lite.api.marks import Rule
from kserve_lite.api.model import FRAMEWORKS, Confidential, Source, Storage
from kserve_lite.api.rules.match import cel_given, named
from kserve_lite.api.rules.pods import CONTAINER, all_clean, clean

STORES = ("s3", "hdfs", "webhdfs")
DEFAULT_PATH = "/mnt/models"


def models(predictor: Predictor) -> list[Source]:
    """Return the model and the legacy frameworks that are given."""
    given = [predictor.model, *(getattr(predictor, name) for name in FRAMEWORKS)]
    return [one for one in given if one is not None]


def one_implementation(predictor: Predictor) -> bool:
    """Return whether exactly one thing serves; containers beside a model are helpers unless one is the server."""
    containers = predictor.pod.get("containers")
    custom = named(containers, CONTAINER)
    if not models(predictor) and not custom:
        return bool(containers)
    return len(models(predictor)) + custom == 1


def one_source(predictor: Predictor) -> bool:
    """Return whether no model has a place of its own beside storageUris."""
    return predictor.storage_uris is None or all(
        one.storage_uri is None and one.storage is None for one in models(predictor)
    )


def mount_path(uri: StorageUri) -> str:
    """Return where the files of a URI appear."""
    return uri.mount_path or DEFAULT_PATH


def claims_apart(component: Component) -> bool:
    """Return whether no two volume claims are mounted at one path."""
    paths = [mount_path(uri) for uri in component.storage_uris or () if uri.uri.startswith("pvc://")]
    return len(set(paths)) == len(paths)


def promoted(new: Predictor, old: Predictor) -> bool:
    """Return whether a predictor that changes its name brings another model."""
    if (new.name or "") == (old.name or "") or not models(new) or not models(old):
        return True
    return models(new)[0].storage_uri != models(old)[0].storage_uri


MODELS = ("model", *FRAMEWORKS)
CUSTOM = f"(has(self.containers) && self.containers.exists(c, c.name == '{CONTAINER}'))"
PATH = f"(has({{0}}.mountPath) ? {{0}}.mountPath : '{DEFAULT_PATH}')"
URI_OF = "(has({0}.storageUri) ? {0}.storageUri : '')"

RULES = (
    # I4
    Rule(
        id="one_implementation",
        on=Predictor,
        cel=(
            f"size({cel_given(*MODELS)}) + ({CUSTOM} ? 1 : 0) == 1 || "
            f"(size({cel_given(*MODELS)}) == 0 && !{CUSTOM} && has(self.containers) && size(self.containers) > 0)"
        ),
        message=f"exactly one of model, a framework key ({', '.join(FRAMEWORKS)}) or containers must serve",
        remedy="keep one of them",
        holds=one_implementation,
    ),
    # KServe's controller crashes on this one.
    Rule(
        id="custom_container",
        on=Predictor,
        cel=f"size({cel_given(*MODELS)}) > 0 || !has(self.containers) || size(self.containers) < 2 || {CUSTOM}",
        message=f"of several containers, one must be called {CONTAINER}",
        remedy="give this name to the one that serves",
        holds=lambda predictor: (
            bool(models(predictor))
            or len(predictor.containers or ()) < 2
            or named(predictor.containers, CONTAINER)
        ),
        field=".containers",
    ),
    # I5
    Rule(
        id="transformer_containers",
        on=Transformer,
        cel="has(self.containers) && size(self.containers) > 0",
        message="a transformer needs a container",
        remedy="add `containers`",
        holds=lambda transformer: bool(transformer.containers),
    ),
    Rule(
        id="one_explainer",
        on=Explainer,
        cel=f"size({cel_given('type', 'art')}) + (has(self.containers) && size(self.containers) > 0 ? 1 : 0) == 1",
        message="an explainer needs exactly one of type, art and containers",
        remedy="keep one of them",
        holds=lambda explainer: (
            (explainer.type is not None) + (explainer.art is not None) + bool(explainer.containers) == 1
        ),
    ),
    Rule(
        id="explainer_config",
        on=Explainer,
        cel="!has(self.config) || has(self.type)",
        message="config are the settings of type",
        remedy="add type, or remove config",
        holds=lambda explainer: explainer.config is None or explainer.type is not None,
        field=".config",
        in_crd=False,
    ),
    # I17
    Rule(
        id="predictor_name_change",
        on=Predictor,
        cel=(
            "(has(self.name) ? self.name : '') == (has(oldSelf.name) ? oldSelf.name : '') || "
            "!has(self.model) || !has(oldSelf.model) || "
            f"{URI_OF.format('self.model')} != {URI_OF.format('oldSelf.model')}"
        ),
        message="name may only change together with the model's storageUri: it starts new pods",
        remedy="leave name as it was",
        holds=lambda new, old: new.model is None or old.model is None or promoted(new, old),
        field=".name",
        transition=True,
    ),
    # I18
    Rule(
        id="one_source",
        on=Predictor,
        cel=(
            "!has(self.storageUris) || ("
            + " && ".join(
                f"(!has(self.{name}) || (!has(self.{name}.storageUri) && !has(self.{name}.storage)))"
                for name in MODELS
            )
            + ")"
        ),
        message="storageUris and a place of the model's own exclude each other",
        remedy="keep storageUris or storageUri",
        holds=one_source,
        field=".storageUris",
    ),
    Rule(
        id="one_source",
        on=ComponentPod,
        cel=f"!has(self.storageUris) || {all_clean('self.containers', 'STORAGE_URI')}",
        message="storageUris and the variable STORAGE_URI exclude each other",
        remedy="remove the variable",
        holds=lambda component: component.storage_uris is None or clean(component.containers, "STORAGE_URI"),
        field=".storageUris",
    ),
    Rule(
        id="one_source",
        on=Explainer,
        cel="!has(self.storageUris) || !has(self.art) || (!has(self.art.storageUri) && !has(self.art.storage))",
        message="storageUris and a place of the explainer's own exclude each other",
        remedy="keep storageUris or storageUri",
        holds=lambda explainer: (
            explainer.storage_uris is None
            or explainer.art is None
            or (explainer.art.storage_uri is None and explainer.art.storage is None)
        ),
        field=".storageUris",
    ),
    # I19
    Rule(
        id="mount_path",
        on=StorageUri,
        cel="!has(self.mountPath) || (self.mountPath != '/' && !self.mountPath.matches('(^|/)[.][.](/|$)'))",
        message="mountPath must not be / and must not climb with ..",
        remedy="name a folder, such as /mnt/models/a",
        holds=lambda uri: mount_path(uri) != "/" and ".." not in mount_path(uri).split("/"),
        field=".mountPath",
    ),
    Rule(
        id="mount_path_twice",
        on=Component,
        cel=(
            "!has(self.storageUris) || self.storageUris.all(a, !a.uri.startsWith('pvc://') || "
            "size(self.storageUris.filter(b, b.uri.startsWith('pvc://') && "
            f"{PATH.format('a')} == {PATH.format('b')})) == 1)"
        ),
        message="two volume claims must not be mounted at one path",
        remedy="give each its mountPath",
        holds=claims_apart,
        field=".storageUris",
    ),
    # I20
    Rule(
        id="canary_unsupported",
        on=InferenceServiceSpec,
        cel="!has(self.canary)",
        message="canary is not supported: nothing here shares requests between versions of one service",
        remedy="run the second version as its own InferenceService and share by an InferenceGraph Splitter",
        holds=lambda spec: spec.canary is None,
        field=".canary",
    ),
    Rule(
        id="canary_unsupported",
        on=Component,
        cel="!has(self.canaryTrafficPercent)",
        message="canaryTrafficPercent is not supported: there are no Knative revisions here",
        remedy="run the second version as its own InferenceService and share by an InferenceGraph Splitter",
        holds=lambda component: component.canary_traffic_percent is None,
        field=".canaryTrafficPercent",
    ),
    # I11, I12
    Rule(
        id="logger_unsupported",
        on=Component,
        cel="!has(self.logger)",
        message="logger is not supported: nothing here copies requests",
        remedy="remove it, or copy them in a transformer",
        holds=lambda component: component.logger is None,
        field=".logger",
    ),
    # I21
    Rule(
        id="worker_spec_unsupported",
        on=Predictor,
        cel="!has(self.workerSpec)",
        message="workerSpec is not supported: a model runs on one node here",
        remedy="remove it",
        holds=lambda predictor: predictor.worker_spec is None,
        field=".workerSpec",
    ),
    # I22
    Rule(
        id="confidential_unsupported",
        on=Confidential,
        cel="!self.enabled",
        message="confidential models are not supported: nothing here decrypts them",
        remedy="decrypt in a ClusterStorageContainer of your own",
        holds=lambda confidential: not confidential.enabled,
        field=".enabled",
    ),
    # I23
    Rule(
        id="storage_type",
        on=Storage,
        cel=(
            "!has(self.parameters) || !('type' in self.parameters) || "
            f"self.parameters['type'] in [{', '.join(map(repr, STORES))}]"
        ),
        message=f"storage.parameters.type must be {', '.join(STORES)}",
        remedy="for other stores write storageUri",
        holds=lambda storage: (storage.parameters or {}).get("type", STORES[0]) in STORES,
        field=".parameters",
        in_crd=False,  # twelve times in the CRD, for what is rare
    ),
    # I24
    Rule(
        id="one_storage",
        on=Source,
        cel="!has(self.storageUri) || !has(self.storage) || !has(self.storage.path)",
        message="storageUri and storage.path exclude each other",
        remedy="keep one of them",
        holds=lambda source: (
            source.storage_uri is None or source.storage is None or source.storage.path is None
        ),
        field=".storageUri",
    ),
)
