"""What every render of our charts is: the same on both Helms, valid, restricted, and nothing by chance."""

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from generator.charts import CHARTS
from kserve_lite.api.inferenceservice import Predictor
from kserve_lite.api.manifests import read
from kserve_lite.resolve.images import images
from tests.generator.strategies import near
from tests.helm.conftest import CLONE, MAJORS, runner
from tools.build import program
from tools.charts.coverage import measure
from tools.charts.suites import cases, count
from tools.charts.values import UNUSED

ROOT = CLONE / "charts"
CI = [
    pytest.param(chart, path, id=f"{chart}-{path.stem}")
    for chart in CHARTS
    for path in sorted((ROOT / chart / "ci").glob("*-values.yaml"))
]
CHANCE = re.compile(
    r"\b(lookup|now|date\w*|ago|uuidv4|rand\w+|gen[A-Z]\w+|derivePassword|bcrypt|htpasswd|getHostByName|env|expandenv)\b"
)

Object = dict[str, Any]


def render(chart: str, *options: str, helm: str = "helm", home: Path = Path("/tmp")) -> str:
    done = runner(helm, home)("template", "kl", str(ROOT / chart), "--namespace", "serving", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> list[Object]:
    return [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]


def pods(objects_: list[Object]) -> Iterator[tuple[str, Object]]:
    """The pod spec of everything that runs containers, runtimes' included."""
    for one in objects_:
        spec = one.get("spec") or {}
        if one["kind"] == "Pod":
            yield one["metadata"]["name"], spec
        elif "template" in spec:
            yield one["metadata"]["name"], spec["template"]["spec"]


def not_restricted(name: str, pod: Object) -> Iterator[str]:
    """What Pod Security's level restricted has against a pod, by its own list of controls."""
    security = pod.get("securityContext") or {}
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{name}: {field}"
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    for volume in pod.get("volumes") or ():
        if kinds := set(volume) - {"name"} - allowed:
            yield f"{name}: volume of kind {kinds}"
    for container in [*(pod.get("initContainers") or ()), *pod["containers"]]:
        own = container.get("securityContext") or {}
        where = f"{name}/{container['name']}"
        if own.get("privileged"):
            yield f"{where}: privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{where}: allowPrivilegeEscalation"
        if "ALL" not in (own.get("capabilities") or {}).get("drop", ()):
            yield f"{where}: capabilities.drop"
        if set((own.get("capabilities") or {}).get("add", ())) - {"NET_BIND_SERVICE"}:
            yield f"{where}: capabilities.add"
        if own.get("runAsNonRoot", security.get("runAsNonRoot")) is not True:
            yield f"{where}: runAsNonRoot"
        if own.get("runAsUser", security.get("runAsUser")) == 0:
            yield f"{where}: runAsUser"
        profile = own.get("seccompProfile") or security.get("seccompProfile") or {}
        if profile.get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{where}: seccompProfile"
        if any(port.get("hostPort") for port in container.get("ports") or ()):
            yield f"{where}: hostPort"


@pytest.mark.parametrize(("chart", "values"), CI)
def test_both_majors_render_the_same_bytes_twice(chart: str, values: Path, tmp_path: Path) -> None:
    # Helm 4 puts an empty line between two documents, which is its own and not the chart's.
    options = ("--values", str(values), "--kube-version", "1.29.0")
    texts = [render(chart, *options, helm=helm, home=tmp_path) for helm in (*MAJORS, "helm")]
    assert len({re.sub(r"\n+(---\n|$)", r"\n\1", text) for text in texts}) == 1


@pytest.mark.parametrize(("chart", "values"), CI)
def test_every_rendered_pod_is_restricted(chart: str, values: Path) -> None:
    found = list(pods(objects(render(chart, "--values", str(values)))))
    assert found or chart != "kserve-lite"
    assert [fault for name, pod in found for fault in not_restricted(name, pod)] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hostNetwork", True),
        ("volumes", [{"name": "host", "hostPath": {"path": "/"}}]),
        ("securityContext", {}),
    ],
)
def test_the_check_of_pods_finds_what_is_not_restricted(field: str, value: Any) -> None:
    name, pod = next(pods(objects(render("kserve-lite"))))
    assert list(not_restricted(name, {**pod, field: value}))


@pytest.mark.parametrize(("chart", "values"), CI)
@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_every_object_has_only_fields_that_kubernetes_or_we_declare(
    chart: str, values: Path, version: str
) -> None:
    found = objects(render(chart, "--values", str(values)))
    ours = [one for one in found if one["apiVersion"].startswith("serving.kserve.io/")]
    for one in found:
        if one not in ours and one["kind"] != "CustomResourceDefinition":  # tests/apiserver judges those
            kubernetes_validate.validate(one, version, strict=True)
    command = [program("kubeconform"), "-strict", "-summary", "-output", "json", "-schema-location"]
    command.append(
        f"{CLONE}/schemas/json/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"
    )
    done = subprocess.run(
        command, input=yaml.safe_dump_all(ours), capture_output=True, text=True, check=False
    )
    summary = json.loads(done.stdout)["summary"] if ours else {"valid": 0}
    assert summary["valid"] == len(ours), done.stdout


@pytest.mark.parametrize("chart", CHARTS)
def test_templates_ask_neither_the_cluster_nor_chance_nor_the_clock(chart: str) -> None:
    for template in (ROOT / chart / "templates").iterdir():
        code = re.findall(r"\{\{(?!-?\s*/\*)(.*?)\}\}", template.read_text(), re.DOTALL)
        without_words = [re.sub(r'"(?:[^"\\]|\\.)*"|`[^`]*`|\.[\w.]+', "", part) for part in code]
        assert [part for part in without_words if CHANCE.search(part)] == [], template.name


def declared(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place of the values at which an object with declared keys stands."""
    yield path
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from declared(value, (*path, key))


@pytest.mark.parametrize("chart", CHARTS)
def test_a_misspelt_key_is_refused_at_every_level(chart: str) -> None:
    model = CHARTS[chart]
    validator = jsonschema_rs.Draft7Validator(json.loads((ROOT / chart / "values.schema.json").read_text()))
    defaults = yaml.safe_load((ROOT / chart / "values.yaml").read_text())
    if "models" in defaults:
        defaults["models"] = {
            "iris": {"storageUri": "s3://b/i", "spec": {"predictor": {"model": {"image": "a"}}}}
        }
        defaults["models"]["iris"]["replicas"] = {"max": 1, "target": {"value": 1}}
    accepted = []
    for path in declared(defaults):
        values = copy.deepcopy(defaults)
        at = values
        for key in path:
            at = at[key]
        at["zzzTypo"] = {"zzz": 1}
        if validator.is_valid(values):
            accepted.append(".".join(path))
        with pytest.raises(ValidationError) if not validator.is_valid(values) else _nothing():
            model.model_validate(values, by_name=False)
    # A parent chart's `global` is open; nothing else takes an object under a name that nobody declared.
    assert accepted == ["global"]


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_the_predictors_that_stand_in_the_place_of_a_model_are_those_of_the_api() -> None:
    template = (ROOT / "kserve-lite" / "templates" / "_models.tpl").read_text()
    listed = re.search(r'range \$key := list ("containers"[^}]*?) \}\}', template)
    assert listed is not None
    legacy = {
        name
        for name, field in Predictor.model_fields.items()
        if (field.description or "").startswith("Read as model with modelFormat")
    }
    assert set(re.findall(r'"(\w+)"', listed[1])) == {"containers", *legacy}


@given(
    st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=53).filter(
        lambda t: t[0] != "-" and t[-1] != "-"
    )
)
@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_names_of_any_release_are_valid_and_keep_their_endings(release: str) -> None:
    text = runner("helm", Path("/tmp"))(
        "template", release, str(ROOT / "kserve-lite"), "--set", "metrics.dashboard.enabled=true"
    )
    names = {(one["kind"], one["metadata"]["name"]) for one in objects(text.stdout)}
    assert all(len(name) <= 63 and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name) for _, name in names), (
        names
    )
    for kind, ending in (("Job", "-crds"), ("Service", "-metrics"), ("Pod", "-test"), ("Role", "-lease")):
        assert any(of == kind and name.endswith(ending) for of, name in names)


def test_what_artifact_hub_is_told_of_images_is_what_is_rendered() -> None:
    chart = yaml.safe_load((ROOT / "kserve-lite" / "Chart.yaml").read_text())
    told = {one["image"] for one in yaml.safe_load(chart["annotations"]["artifacthub.io/images"])}
    assert told == {one.reference for one in images()}
    rendered = set(re.findall(r"image: ['\"]?([^\s'\"]+)", render("kserve-lite")))
    assert rendered == told


def test_models_that_the_suites_render_are_manifests_that_kserve_lite_accepts(tmp_path: Path) -> None:
    refused = []
    for case in cases("kserve-lite-models"):
        done = runner("helm", tmp_path)(
            "template", case.release, str(ROOT / "kserve-lite-models"), *case.arguments()[1:]
        )
        if done.returncode or not done.stdout.strip():
            continue
        file = tmp_path / "models.yaml"
        file.write_text(done.stdout)
        refused += [f"{case.name}: {problem}" for problem in read([file]).problems]
    assert refused == []


def test_there_are_enough_cases_and_few_exceptions() -> None:
    counted = [count(chart) for chart in CHARTS]
    assert sum(all_ for all_, _ in counted) >= 200
    assert sum(failing for _, failing in counted) >= 40
    assert len(UNUSED) <= 5


def test_a_branch_that_no_case_reaches_is_found() -> None:
    missed = {one.partition(":")[0] for one in measure("kserve-lite-models").missed}
    # Alone, the small chart's suites leave branches of the shared template to the main chart's.
    assert missed == {"_models.tpl"}


def test_any_valid_models_render_to_manifests_that_kserve_lite_reads(tmp_path: Path) -> None:
    chart = "kserve-lite-models"
    schema = json.loads((ROOT / chart / "values.schema.json").read_text())
    validator = jsonschema_rs.Draft7Validator(schema)
    model = schema["$defs"]["ModelValues"]
    helm = runner("helm", tmp_path)
    given_values = tmp_path / "given.yaml"
    rendered = []

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(near(model, schema["$defs"]), min_size=3, max_size=5))
    def check(drawn: list[Any]) -> None:
        models = {
            f"m{i}": {"storageUri": "s3://b/m", **one} for i, one in enumerate(drawn) if isinstance(one, dict)
        }
        valid = {name: one for name, one in models.items() if validator.is_valid({"models": {name: one}})}
        assume(valid)
        given_values.write_text(json.dumps({"models": valid}))
        done = helm("template", "m", str(ROOT / chart), "--values", str(given_values))
        if done.returncode:
            assert re.search(r"models\.m\d", done.stderr), (valid, done.stderr)
            return
        for one in objects(done.stdout):
            assert one["kind"] == "InferenceService"
            assert one["metadata"]["name"] in valid
            assert one["spec"]["predictor"]
        rendered.append(len(valid))

    check()
    assert len(rendered) >= 50
