"""From an InferenceService to what it comes to: runtime, containers, storage, names. Never touches its input."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kserve_lite.api.config import Config
from kserve_lite.api.inferenceservice import Explainer, InferenceService, Transformer
from kserve_lite.api.problems import Problem
from kserve_lite.resolve.beside import beside
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.component import Completed, complete
from kserve_lite.resolve.credentials import credentials
from kserve_lite.resolve.effective import Component, Effective, Role
from kserve_lite.resolve.names import all_hosts
from kserve_lite.resolve.network import inside, is_routed, routes, urls
from kserve_lite.resolve.predictor import predictor
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.storage import Reach
from kserve_lite.resolve.surroundings import Surroundings

DEFAULTS = Config()
NOTHING = Surroundings()
STOP = "serving.kserve.io/stop"


def resolve(
    service: InferenceService,
    runtimes: Sequence[Runtime] = BUILT_IN,
    config: Config = DEFAULTS,
    *,
    plain_paths: bool = False,
    surroundings: Surroundings = NOTHING,
) -> Effective | list[Problem]:
    """Return the effective service, or every reason why there is none.

    `plain_paths` is for a laptop: a storageUri without a scheme is a path there, and nobody scales or routes.
    """
    reach = Reach(
        config.storage,
        surroundings.storage_containers,
        tuple(service.annotations.items()),
        service.spec.predictor.storage_container_name,
        plain_paths,
    )
    serving, problems = predictor(service, runtimes, reach)
    if serving is None:
        return problems
    drafts = [serving]
    for role, spec in _others(service):
        draft, wrong = beside(service, spec, role, serving, replace(reach, container_name=None))
        problems += wrong
        drafts += [draft] if draft else []
    routed = is_routed(service, config.network)
    done: dict[Role, Completed] = {}
    for draft in drafts:
        completed = complete(draft, service, config, routed=routed)
        component, wrong = _trusted(completed.component, service, surroundings)
        problems += wrong
        done[draft.role] = replace(completed, component=component)
    effective, wrong = _reached(service, done, config)
    if not plain_paths:
        problems += [*(problem for one in done.values() for problem in one.problems), *wrong]
    return problems or effective


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
    service: InferenceService, done: dict[Role, Completed], config: Config
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
