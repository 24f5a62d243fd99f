"""From an InferenceService to what it comes to: runtime, containers, storage, names. Never touches its input."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kserve_lite.api.config import Config
from kserve_lite.api.inferenceservice import Explainer, InferenceService, Transformer
from kserve_lite.api.problems import Problem
from kserve_lite.resolve.beside import beside
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.component import Draft, complete
from kserve_lite.resolve.credentials import credentials
from kserve_lite.resolve.effective import Component, Effective, Role
from kserve_lite.resolve.intent import intent
from kserve_lite.resolve.names import all_hosts, component_name
from kserve_lite.resolve.network import inside, is_routed, routes, urls
from kserve_lite.resolve.pin import PIN, REVISION, fingerprint, kept, read, revision
from kserve_lite.resolve.predictor import predictor
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.storage import Reach
from kserve_lite.resolve.surroundings import Surroundings

DEFAULTS = Config()
NOTHING = Surroundings()
UNPINNED: Mapping[str, Mapping[str, str]] = {}
STOP = "serving.kserve.io/stop"


def resolve(
    service: InferenceService,
    runtimes: Sequence[Runtime] = BUILT_IN,
    config: Config = DEFAULTS,
    *,
    plain_paths: bool = False,
    surroundings: Surroundings = NOTHING,
    pins: Mapping[str, Mapping[str, str]] = UNPINNED,
) -> Effective | list[Problem]:
    """Return the effective service, or every reason why there is none.

    `plain_paths` is for a laptop: a storageUri without a scheme is a path there, and nobody scales or routes.
    `pins` are the annotations of the live Deployments by name: their pods keep the runtime and settings that they were
    made of until the service changes, unless the configuration says that changes are followed.
    """
    making = _Making(service, surroundings, plain_paths)
    kept = pins if config.runtime_changes == "pin" else {}
    at = component_name(service.name, "predictor", service.spec.predictor.name)
    serving = _kept_or_new(making.predictor, kept.get(at, {}), runtimes, config)
    if isinstance(serving, list):
        return serving
    done: dict[Role, _Made] = {"predictor": serving}
    problems = list(serving.problems)
    for role, spec in _others(service):
        at = component_name(service.name, role)
        made = _kept_or_new(
            partial(making.beside, role, spec, serving.draft), kept.get(at, {}), runtimes, config
        )
        if isinstance(made, list):
            problems += made
        else:
            done[role] = made
            problems += made.problems
    effective, wrong = _reached(service, done, config)
    return problems + (wrong if not plain_paths else []) or effective


@dataclass(frozen=True)
class _Made:
    """One component with everything, and what stands against it."""

    draft: Draft
    component: Component
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


Make = Callable[[Sequence[Runtime], Config], _Made | list[Problem]]


@dataclass(frozen=True)
class _Making:
    """How the components of a service are made from any set of runtimes and any configuration."""

    service: InferenceService
    surroundings: Surroundings
    plain_paths: bool

    def predictor(self, runtimes: Sequence[Runtime], config: Config) -> _Made | list[Problem]:
        named = self.service.spec.predictor.storage_container_name
        draft, problems = predictor(self.service, runtimes, self._reach(config, named))
        return problems if draft is None else self._completed(draft, problems, config)

    def beside(
        self,
        role: Role,
        spec: Transformer | Explainer,
        serving: Draft,
        runtimes: Sequence[Runtime],
        config: Config,
    ) -> _Made | list[Problem]:
        draft, problems = beside(self.service, spec, role, serving, self._reach(config, None))
        return problems if draft is None else self._completed(draft, problems, config, serving.protocol)

    def _reach(self, config: Config, container_name: str | None) -> Reach:
        annotations = tuple(self.service.annotations.items())
        known = self.surroundings.storage_containers
        assigned = self.service.name in self.surroundings.parents
        return Reach(config.storage, known, annotations, container_name, self.plain_paths, assigned)

    def _completed(
        self, draft: Draft, problems: Sequence[Problem], config: Config, spoken: str = ""
    ) -> _Made:
        routed = is_routed(self.service, config.network)
        completed = complete(draft, self.service, config, routed=routed)
        component, wrong = _trusted(completed.component, self.service, self.surroundings)
        words = intent(component, self.service, self.surroundings, spoken or component.protocol)
        component = replace(component, intent=words)
        in_cluster = completed.problems if not self.plain_paths else ()
        return _Made(draft, component, (*problems, *wrong, *in_cluster), completed.notices)


def _kept_or_new(
    make: Make, annotations: Mapping[str, str], runtimes: Sequence[Runtime], config: Config
) -> _Made | list[Problem]:
    """Make a component from what is installed now, or from its pin if the service still means the pods of the pin.

    While the user's words are the same the pods stay whatever this release would make of them.
    """
    new = make(runtimes, config)
    newer = "none" if isinstance(new, list) else revision(new.component.platform)
    if PIN not in annotations:
        return new
    if newer == annotations.get(REVISION):
        return _kept(new, annotations, "") or new
    pin = read(annotations)
    old = None if pin is None else make([pin.runtime] if pin.runtime else runtimes, pin.over(config))
    if pin is None or old is None or isinstance(old, list) or old.problems:
        return new
    if same := _kept(old, annotations, newer):
        return same
    if fingerprint(old.component) != pin.fingerprint:
        return new
    return replace(old, component=replace(old.component, newer=newer))


def _kept(made: _Made | list[Problem], annotations: Mapping[str, str], newer: str) -> _Made | None:
    """Return the component with the pods that it has, if they were made of the same words."""
    if isinstance(made, list) or made.problems:
        return None
    same = kept(annotations, made.component.intent)
    return None if same is None else replace(made, component=replace(made.component, newer=newer, kept=same))


def _others(service: InferenceService) -> Iterator[tuple[Role, Transformer | Explainer]]:
    if service.spec.transformer is not None:
        yield "transformer", service.spec.transformer
    if service.spec.explainer is not None:
        yield "explainer", service.spec.explainer


def _trusted(
    component: Component, service: InferenceService, surroundings: Surroundings
) -> tuple[Component, list[Problem]]:
    """Return the component with the credentials that its downloads may use."""
    downloads = [step for step in component.storage if step.mode == "download"]
    if not downloads:
        return component, []
    given, problems = credentials(
        service.annotations,
        surroundings.account(component.pod),
        component.pod,
        by_store=any(step.store for step in downloads),
    )
    return replace(component, credentials=given, labels={**component.labels, **dict(given.labels)}), problems


def _reached(
    service: InferenceService, done: Mapping[Role, _Made], config: Config
) -> tuple[Effective, list[Problem]]:
    """Put the components together, with the names and routes by which they are reached."""
    order: tuple[Role, ...] = ("transformer", "predictor", "explainer")
    components = [done[role].component for role in order if role in done]
    found, problems = routes(service, components, config.network)
    at = urls(service, components, found, config.network)
    names = tuple(one.component.name for one in done.values())
    domain, template = config.network.domain, config.network.domain_template
    return Effective(
        name=service.name,
        namespace=service.namespace,
        labels=service.labels,
        annotations=service.annotations,
        url=at[""],
        address=inside(service.name, service),
        urls=at,
        hosts=all_hosts(service.name, service.namespace, names, domain, template),
        routes=found,
        predictor=done["predictor"].component,
        transformer=done["transformer"].component if "transformer" in done else None,
        explainer=done["explainer"].component if "explainer" in done else None,
        stopped=service.annotations.get(STOP, "").lower() == "true",
        notices=tuple(notice for one in done.values() for notice in one.notices),
    ), problems
