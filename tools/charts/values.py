"""Values and templates, both ways: every value is used, every value that a template reads is declared."""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tools.build import program
from tools.charts.suites import CHARTS, Case, bare, refused

UNUSED: Mapping[str, str] = {
    "kserve-lite-crds:global.imageRegistry": "shared with a parent chart, and there is no image here",
    "kserve-lite-crds:global.imagePullSecrets": "shared with a parent chart, and there is no image here",
    "kserve-lite-models:global.imageRegistry": "shared with a parent chart; the controller knows the images",
    "kserve-lite-models:global.imagePullSecrets": "shared with a parent chart; the controller knows the images",
}
"""Values that no template uses, each with its reason; at most five."""

READ = re.compile(r"\.Values\.([A-Za-z_][\w.]*)")

SWITCHED_ON = {
    "models": {"iris": {"storageUri": "s3://bucket/iris"}},
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own"}}],
    "controller": {"disruptionBudget": {"enabled": True}, "networkPolicy": {"enabled": True}},
    "config": {"network": {"mode": "ingress"}},
    "metrics": {
        name: {"enabled": True, "renderMode": "alwaysRender"}
        for name in ("serviceMonitor", "podMonitor", "rules")
    }
    | {"dashboard": {"enabled": True}},
}
"""Everything on: a value of something that is off has nothing to change."""

OTHERS: Mapping[str, Any] = {
    "controller.disruptionBudget.minAvailable": "50%",
    "controller.extraVolumes": [{"name": "own", "emptyDir": {}}],
    "controller.extraVolumeMounts": [{"name": "tmp", "mountPath": "/own"}],
    "controller.extraEnv": [{"name": "OWN", "value": "own"}],
    "controller.watchNamespaces": ["default"],
    "controller.tolerations": [{"operator": "Exists"}],
    "controller.topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "controller.affinity": {"podAntiAffinity": {}},
    "controller.networkPolicy.metricsNamespaceSelector": {"matchLabels": {"own": "own"}},
    "modelDefaults.env": [{"name": "OWN", "value": "own"}],
    "modelDefaults.replicas": {"min": 2},
    "modelDefaults.resources": {"requests": {"cpu": "1"}},
    "modelDefaults.keep": True,
    "modelDefaults.protocol": "v2",
    "modelDefaults.labels": {"own": "own"},
    "modelDefaults.annotations": {"own": "own"},
    "models": {"own": {"storageUri": "s3://bucket/own"}},
    "extraObjects": [],
    "config.network.gateway.name": "own",
    "rbac.scope": "namespaced",
    "config.network.mode": "none",
}
"""Another value where one cannot be made from the default."""


def unused(chart: str) -> list[str]:
    """Return the values whose change changes nothing that is rendered, and that are not known to."""
    paths = {
        path: another(path, _switched_on(path, default))
        for path, default in leaves(_defaults(chart))
        if f"{chart}:{path}" not in UNUSED
    }
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as renders:
        place = bare(chart, Path(folder))
        base = _render(place, {})
        changed = renders.map(lambda item: _render(place, dict([item])), paths.items())
        return [path for path, text in zip(paths, changed, strict=True) if text == base]


def checked() -> int:
    """Return how many values there are to use."""
    charts = [folder.name for folder in CHARTS.iterdir() if (folder / "values.yaml").exists()]
    return sum(1 for chart in charts for _ in leaves(_defaults(chart)))


def undeclared(chart: str) -> list[str]:
    """Return the paths that templates read and that values.yaml does not know."""
    defaults = _defaults(chart)
    found = set()
    for template in sorted((CHARTS / chart / "templates").iterdir()):
        for path in READ.findall(template.read_text()):
            at: Any = defaults
            for key in path.split("."):
                if not isinstance(at, dict):
                    break  # inside a free map, or a value that has no keys
                if key not in at:
                    found.add(f"{template.name}: .Values.{path}")
                    break
                at = at[key]
    return sorted(found)


def leaves(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and default of every value that holds no other; an empty map is one."""
    for key, value in values.items():
        if isinstance(value, dict) and value and prefix + key not in OTHERS:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _switched_on(path: str, default: Any) -> Any:
    """Return what a value is where everything is on."""
    at: Any = SWITCHED_ON
    for key in path.split("."):
        if not isinstance(at, dict) or key not in at:
            return default
        at = at[key]
    return at


def another(path: str, default: Any) -> Any:
    """Return a value that is valid and is not the default."""
    if path in OTHERS:
        return OTHERS[path]
    key = path.rpartition(".")[2]
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, list):
        return [
            *default,
            default[0] + 1 if default and isinstance(default[0], int) else _ITEMS.get(key, "own"),
        ]
    if isinstance(default, dict):
        return {"limits": {"cpu": "7"}} if key == "resources" else {"own": "own"}
    return _WORDS.get(key, "own")


_ITEMS: Mapping[str, Any] = {
    "extraEnv": {"name": "OWN", "value": "own"},
    "tolerations": {"operator": "Exists"},
}
_WORDS = {
    "digest": f"sha256:{'0' * 64}",
    "pullPolicy": "Always",
    "logLevel": "debug",
    "interval": "7s",
    "renderMode": "skipIfMissing",
    "scheme": "https",
    "defaultClass": "keda",
    "runtimeChanges": "follow",
    "ociMode": "native",
    "type": "Localhost",
    "domainTemplate": "{name}.{namespace}.own",
    "cpu": "7",
    "memory": "7Gi",
}


def _defaults(chart: str) -> Any:
    return yaml.safe_load((CHARTS / chart / "values.yaml").read_text())


def _render(place: Path, changed: Mapping[str, Any]) -> str:
    """Return what is rendered or why nothing is: a value that stops the release by its own name is used too."""
    defaults = _defaults(place.name)
    base = {key: value for key, value in SWITCHED_ON.items() if key in defaults}
    case = Case("lint", "all on", {**base, **changed})
    if faults := refused(place.name, case):
        raise AssertionError(f"{place.name}: {dict(changed)}: {faults}")
    done = subprocess.run(
        [str(program("helm")), "template", *case.arguments()[:1], str(place), *case.arguments()[1:]],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not all(path.rpartition(".")[0] in done.stderr for path in changed):
        raise AssertionError(f"{place.name}: {dict(changed)}: {done.stderr}")
    return done.stdout + done.stderr
