"""How the files of a model come into its pod, and with which credentials: by reference, whatever the field."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kserve_lite.api.config import Config
from kserve_lite.api.config import Storage as Settings
from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load
from kserve_lite.api.storagecontainer import ClusterStorageContainer
from kserve_lite.render import render
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.service import resolve
from kserve_lite.resolve.surroundings import Surroundings

Object = dict[str, Any]


def resolved(
    model: Object | None = None,
    *,
    annotations: Mapping[str, str] | None = None,
    account: Object | None = None,
    containers: tuple[Object, ...] = (),
    settings: Object | None = None,
    spec: Object | None = None,
    **predictor: Any,
) -> Effective | list[Any]:
    asked = {"storageUri": "s3://models/iris", **(model or {})}
    body = {"sklearn": {key: value for key, value in asked.items() if value is not None}}
    service = load(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "iris", "namespace": "team", "annotations": dict(annotations or {})},
            "spec": {"predictor": {**body, **predictor}, **(spec or {})},
        }
    )
    assert isinstance(service, InferenceService)
    name = predictor.get("serviceAccountName", "default")
    kind = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "ClusterStorageContainer"}
    around = Surroundings(
        {name: {"metadata": {"name": name}, **account}} if account else {},
        tuple(ClusterStorageContainer.model_validate({**kind, **one}) for one in containers),
    )
    return resolve(service, config=config(settings), surroundings=around)


def config(settings: Object | None = None) -> Config:
    return Config(storage=Settings.model_validate(settings or {}))


def pod(
    model: Object | None = None, settings: Object | None = None, role: str = "predictor", **given: Any
) -> Object:
    """Return the pod's specification of the service that `given` describes."""
    effective = resolved({} if model is None else model, settings=settings, **given)
    assert isinstance(effective, Effective), effective
    deployments = {child["metadata"]["name"]: child for child in render(effective, config(settings))}
    template: Object = deployments[f"iris-{role}"]["spec"]["template"]
    return {**template["spec"], "labels": template["metadata"]["labels"]}


def deployments_only(children: list[Object]) -> list[Object]:
    return [child for child in children if child["kind"] == "Deployment"]


def initializer(spec: Object) -> Object:
    first: Object = spec["initContainers"][0]
    return first


def env(container: Object) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env") or ()}


def mounts(container: Object) -> dict[str, Object]:
    return {one["mountPath"]: one for one in container.get("volumeMounts") or ()}


def volumes(spec: Object) -> dict[str, Object]:
    return {
        one["name"]: {key: value for key, value in one.items() if key != "name"} for one in spec["volumes"]
    }


def test_a_model_is_fetched_by_the_command_that_a_laptop_runs_in_a_restricted_container() -> None:
    spec = pod()
    first = initializer(spec)

    assert first["args"] == ["s3://models/iris", "/mnt/models"]
    assert first["image"].startswith("ghcr.io/kserve-lite/storage-initializer:")
    assert first["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert first["terminationMessagePath"] == "/dev/termination-log"
    assert first["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert first["resources"]["requests"]
    assert volumes(spec)["kserve-provision-location"] == {"emptyDir": {}}
    assert mounts(first)["/mnt/models"]["readOnly"] is False
    assert mounts(spec["containers"][0])["/mnt/models"]["readOnly"] is True


def test_a_server_may_write_where_the_annotation_says_so() -> None:
    spec = pod(annotations={"storage.kserve.io/readonly": "false"})

    assert mounts(spec["containers"][0])["/mnt/models"]["readOnly"] is False


def test_a_claim_is_mounted_and_nothing_fetches() -> None:
    spec = pod({"storageUri": "pvc://models/team/iris"})

    assert "initContainers" not in spec
    assert volumes(spec)["kserve-pvc-source"] == {
        "persistentVolumeClaim": {"claimName": "models", "readOnly": True}
    }
    assert mounts(spec["containers"][0])["/mnt/models"] == {
        "name": "kserve-pvc-source",
        "mountPath": "/mnt/models",
        "subPath": "team/iris",
        "readOnly": True,
    }


def test_a_claim_is_writable_by_setting() -> None:
    spec = pod({"storageUri": "pvc://models"}, {"pvcReadOnly": False})

    assert volumes(spec)["kserve-pvc-source"]["persistentVolumeClaim"]["readOnly"] is False
    assert mounts(spec["containers"][0])["/mnt/models"]["readOnly"] is False


def test_several_sources_have_a_volume_each_and_one_container_fetches_them() -> None:
    effective = resolved(
        {"storageUri": None},
        storageUris=[
            {"uri": "s3://models/iris"},
            {"uri": "gs://words/list", "mountPath": "/mnt/words"},
            {"uri": "https://example.com/more.txt", "mountPath": "/mnt/words"},
            {"uri": "pvc://claim/a", "mountPath": "/mnt/a"},
            {"uri": "pvc://claim/b", "mountPath": "/mnt/b"},
        ],
    )
    assert isinstance(effective, Effective)
    spec = deployments_only(render(effective, config()))[0]["spec"]["template"]["spec"]

    assert initializer(spec)["args"] == [
        *("s3://models/iris", "/mnt/models"),
        *("gs://words/list", "/mnt/words"),
        *("https://example.com/more.txt", "/mnt/words"),
    ]
    assert {one["mountPath"] for one in spec["containers"][0]["volumeMounts"]} >= {
        *("/mnt/models", "/mnt/words", "/mnt/a", "/mnt/b")
    }
    assert {one["name"] for one in spec["volumes"]} >= {
        *("kserve-provision-location", "kserve-provision-location-1", "kserve-pvc-source")
    }
    assert [one["subPath"] for one in spec["containers"][0]["volumeMounts"] if "subPath" in one] == ["a", "b"]


def test_the_secrets_of_the_account_are_mounted_by_name_into_the_initializer_alone() -> None:
    spec = pod(
        serviceAccountName="robot",
        account={
            "secrets": [{"name": "minio"}, {"name": "hub.token"}, {"name": "robot-token-x7k2p"}],
            "imagePullSecrets": [{"name": "registry"}],
        },
    )
    first = initializer(spec)

    assert env(first)["STORAGE_SECRETS_DIR"] == "/var/secrets/storage"
    assert [path for path in mounts(first) if path.startswith("/var")] == [
        "/var/secrets/storage/minio",
        "/var/secrets/storage/hub.token",
    ]
    assert all(one["readOnly"] for path, one in mounts(first).items() if path.startswith("/var"))
    assert volumes(spec)["storage-secret-minio"] == {"secret": {"secretName": "minio", "optional": True}}
    assert not [path for path in mounts(spec["containers"][0]) if path.startswith("/var")]
    assert all(len(name) <= 63 and "." not in name for name in volumes(spec))


@pytest.mark.parametrize("name", ["storageSecretName", "secretName"])
def test_a_secret_that_the_service_names_replaces_those_of_the_account(name: str) -> None:
    spec = pod(
        annotations={f"serving.kserve.io/{name}": "mine"},
        account={"secrets": [{"name": "minio"}]},
    )

    assert [one["secret"]["secretName"] for one in spec["volumes"] if "secret" in one] == ["mine"]


def test_settings_come_from_annotations_the_services_before_the_accounts() -> None:
    spec = pod(
        annotations={"serving.kserve.io/s3-region": "eu"},
        account={
            "metadata": {
                "name": "default",
                "annotations": {
                    "serving.kserve.io/s3-endpoint": "minio.store:9000",
                    "serving.kserve.io/s3-usehttps": "0",
                    "serving.kserve.io/s3-region": "us",
                    "serving.kserve.io/s3-useanoncredential": "true",
                    "serving.kserve.io/s3-cabundle-configmap": "s3-ca",
                },
            }
        },
    )

    assert env(initializer(spec)) == {
        "AWS_ENDPOINT_URL": "http://minio.store:9000",
        "S3_USE_HTTPS": "0",
        "AWS_DEFAULT_REGION": "eu",
        "awsAnonymousCredential": "true",
        "AWS_CA_BUNDLE": "/etc/ssl/s3-certs/cabundle.crt",
    }
    assert volumes(spec)["cabundle-cert-s3"] == {"configMap": {"name": "s3-ca", "optional": True}}


@pytest.mark.parametrize(
    ("annotation", "value", "code"),
    [
        ("serving.kserve.io/s3-usehttps", "maybe", "annotation_invalid"),
        ("serving.kserve.io/s3-regoin", "eu", "annotation_unknown"),
    ],
)
def test_an_annotation_of_the_account_that_means_nothing_is_told_with_its_place(
    annotation: str, value: str, code: str
) -> None:
    problems = resolved({}, account={"metadata": {"name": "default", "annotations": {annotation: value}}})

    assert isinstance(problems, list)
    assert [(one.code, one.path) for one in problems] == [
        (code, f"ServiceAccount/default.metadata.annotations[{annotation}]")
    ]
    assert problems[0].remedy


def test_an_azure_identity_of_the_account_is_used() -> None:
    spec = pod(
        {"storageUri": "azure://models/iris"},
        account={"metadata": {"name": "default", "annotations": {"azure.workload.identity/client-id": "1"}}},
    )

    assert spec["labels"]["azure.workload.identity/use"] == "true"


def test_a_store_is_an_entry_of_the_storage_secret() -> None:
    spec = pod(
        {
            "storageUri": None,
            "storage": {"key": "prod", "path": "iris/1", "parameters": {"bucket": "models"}},
        }
    )
    first = initializer(spec)

    assert first["args"] == ["storage-config://prod/iris/1", "/mnt/models"]
    assert volumes(spec)["storage-config"] == {
        "secret": {
            "secretName": "storage-config",
            "optional": True,
            "items": [{"key": "prod", "path": "prod"}],
        }
    }
    assert env(first)["STORAGE_CONFIG_DIR"] == mounts(first)["/var/secrets/storage-config"]["mountPath"]
    assert json.loads(env(first)["STORAGE_OVERRIDE_CONFIG"]) == {"bucket": "models"}


@pytest.mark.parametrize(
    ("storage", "key"),
    [
        ({"path": "iris"}, "default"),
        ({"path": "iris", "parameters": {"type": "hdfs"}}, "default_hdfs"),
    ],
)
def test_a_store_without_a_key_is_a_default_one(storage: Object, key: str) -> None:
    spec = pod(
        {"storageUri": None, "storage": storage},
        {"secretName": "stores"},
        annotations={"serving.kserve.io/storageSecretName": "mine"},
    )

    assert volumes(spec)["storage-config"]["secret"]["secretName"] == "mine"
    assert volumes(spec)["storage-config"]["secret"]["items"] == [{"key": key, "path": key}]
    assert initializer(spec)["args"][0] == "storage-config:///iris"


def test_variables_of_the_model_that_speak_of_storage_reach_the_initializer_by_reference() -> None:
    token = {"secretKeyRef": {"name": "hub", "key": "token"}}
    spec = pod(
        {
            "env": [
                {"name": "HF_TOKEN", "valueFrom": token},
                {"name": "STORAGE_CONNECTIONS", "value": "4"},
                {"name": "LOG_LEVEL", "value": "debug"},
            ],
            "envFrom": [{"secretRef": {"name": "more"}}],
        },
        {"initializer": {"env": {"HTTPS_PROXY": "http://proxy:3128", "STORAGE_CONNECTIONS": "8"}}},
    )

    assert env(initializer(spec)) == {
        "HTTPS_PROXY": "http://proxy:3128",
        "STORAGE_CONNECTIONS": "4",
        "HF_TOKEN": token,
    }
    assert initializer(spec)["envFrom"] == [{"secretRef": {"name": "more"}}]


def test_one_setting_trusts_an_authority_everywhere() -> None:
    spec = pod(settings={"caBundleConfigMap": "company-ca"})
    first = initializer(spec)

    assert volumes(spec)["cabundle-cert"] == {"configMap": {"name": "company-ca", "optional": True}}
    assert env(first)["CA_BUNDLE_CONFIGMAP_NAME"] == "company-ca"
    assert env(first)["CA_BUNDLE_VOLUME_MOUNT_POINT"] in mounts(first)


def test_one_model_may_have_an_initializer_of_other_resources() -> None:
    own = {"name": "storage-initializer", "resources": {"limits": {"memory": "4Gi"}}}
    spec = pod(initContainers=[own, {"name": "mine", "image": "me/mine:1"}])

    assert [one["name"] for one in spec["initContainers"]] == ["storage-initializer", "mine"]
    assert initializer(spec)["resources"]["limits"] == {"memory": "4Gi"}
    assert initializer(spec)["args"] == ["s3://models/iris", "/mnt/models"]


def test_a_git_repository_gets_room_to_unpack_its_pack() -> None:
    spec = pod({"storageUri": "https://host/team/model.git"})

    assert "/tmp" in mounts(initializer(spec))


@pytest.mark.parametrize(
    ("uri", "mode", "expected"),
    [
        ("oci://registry/models/iris:1", "native", "registry/models/iris:1"),
        ("oci+native://registry/models/iris:1", "fetch", "registry/models/iris:1"),
    ],
)
def test_an_image_may_be_a_volume(uri: str, mode: str, expected: str) -> None:
    spec = pod({"storageUri": uri}, {"ociMode": mode})

    assert "initContainers" not in spec
    assert volumes(spec)["kserve-oci-source"] == {
        "image": {"reference": expected, "pullPolicy": "IfNotPresent"}
    }
    assert mounts(spec["containers"][0])["/mnt"] == {
        "name": "kserve-oci-source",
        "mountPath": "/mnt",
        "readOnly": True,
    }


def test_an_image_is_mounted_by_its_folder_where_the_user_mounts_something_beside_it() -> None:
    beside = [{"name": "notes", "mountPath": "/mnt/notes"}]
    spec = pod({"storageUri": "oci+native://registry/models/iris:1", "volumeMounts": beside})

    assert mounts(spec["containers"][0])["/mnt/models"] == {
        "name": "kserve-oci-source",
        "mountPath": "/mnt/models",
        "subPath": "models",
        "readOnly": True,
    }


@pytest.mark.parametrize(
    ("uri", "mode"), [("oci://registry/iris:1", "fetch"), ("oci+fetch://registry/iris:1", "native")]
)
def test_an_image_may_be_downloaded_with_the_pods_pull_secrets(uri: str, mode: str) -> None:
    spec = pod({"storageUri": uri}, {"ociMode": mode}, imagePullSecrets=[{"name": "registry"}])

    assert initializer(spec)["args"] == [uri, "/mnt/models"]
    assert "/var/secrets/storage/registry" in mounts(initializer(spec))


def test_an_image_may_run_beside_the_server_as_the_same_user() -> None:
    spec = pod({"storageUri": "oci://registry/iris:1"}, {"ociMode": "modelcar"})
    car = initializer(spec)
    server = spec["containers"][0]

    assert (car["image"], car["restartPolicy"]) == ("registry/iris:1", "Always")
    assert "/mnt/models" in car["command"][-1]
    assert spec["shareProcessNamespace"] is True
    assert car["securityContext"]["runAsUser"] == server["securityContext"]["runAsUser"]
    assert mounts(car)["/mnt"]["name"] == mounts(server)["/mnt"]["name"]
    assert mounts(server)["/mnt"]["readOnly"] is True


def fetcher(name: str = "vault", **spec: Any) -> Object:
    container = {"name": "storage-initializer", "image": "me/fetch:1", "args": ["--quick"]}
    return {
        "metadata": {"name": name},
        "spec": {"container": container, "supportedUriFormats": [{"prefix": "vault://"}], **spec},
    }


def test_an_administrators_container_fetches_the_uris_that_it_claims() -> None:
    spec = pod(
        {"storageUri": "vault://models/iris"},
        containers=(fetcher(),),
        account={"secrets": [{"name": "vault-keys"}]},
    )
    first = initializer(spec)

    assert (first["name"], first["image"]) == ("storage-initializer", "me/fetch:1")
    assert first["args"] == ["--quick", "vault://models/iris", "/mnt/models"]
    assert first["envFrom"] == [{"secretRef": {"name": "vault-keys", "optional": True}}]
    assert first["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert first["resources"]["requests"]


@pytest.mark.parametrize(("many", "names"), [(True, 2), (False, 3)])
def test_a_container_that_takes_one_uri_runs_once_for_each(many: bool, names: int) -> None:
    effective = resolved(
        {"storageUri": None},
        storageUris=[
            {"uri": "s3://models/iris"},
            {"uri": "vault://a", "mountPath": "/mnt/a"},
            {"uri": "vault://b", "mountPath": "/mnt/b"},
        ],
        containers=(fetcher(supportsMultiModelDownload=many),),
    )
    assert isinstance(effective, Effective)
    first = deployments_only(render(effective, config()))[0]["spec"]["template"]["spec"]["initContainers"]

    assert [one["name"] for one in first] == [
        *("storage-initializer", "storage-initializer-2", "storage-initializer-3")
    ][:names]
    assert [one["image"] for one in first[1:]] == ["me/fetch:1"] * (names - 1)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://models/iris",
        "gs://my-bucket/my-sklearn-model",
        "azure://models/iris",
        "abfs://models@acct.dfs.core.windows.net/iris",
        "https://acct.blob.core.windows.net/models/iris",
        "https://acct.file.core.windows.net/models/iris",
        "https://example.com/team/model.git@v1#iris",
        "http://example.com/model.tar.gz",
        "hf://owner/model:main/folder",
        "oci+fetch://registry.example.com/team/model:v1",
        "file:///models/iris",
        "webhdfs://user/me/model",
        "hdfs://user/me/model",
        "models:/iris@champion",
        "models:/iris/3",
    ],
)
def test_every_scheme_of_the_storage_step_is_handed_to_it_as_it_is_written(uri: str) -> None:
    assert pod({"storageUri": uri})["initContainers"][0]["args"] == [uri, "/mnt/models"]


@pytest.mark.parametrize(
    "container",
    [
        pytest.param({**fetcher(), "disabled": True}, id="disabled"),
        pytest.param(fetcher(workloadType="localModelDownloadJob"), id="job"),
        pytest.param(fetcher(supportedUriFormats=[{"regex": "x.*"}]), id="another"),
    ],
)
def test_a_scheme_that_no_container_claims_is_refused(container: Object) -> None:
    problems = resolved({"storageUri": "vault://models/iris"}, containers=(container,))

    assert isinstance(problems, list)
    assert [one.code for one in problems] == ["storage_scheme_unknown"]
    assert "ClusterStorageContainer" in problems[0].remedy


def test_a_container_is_found_by_name_and_missed_aloud() -> None:
    one, other = fetcher("one"), fetcher("other")
    other["spec"]["container"] = {**other["spec"]["container"], "image": "me/other:1"}
    named = {"containers": (one, other), "storageContainerName": "other"}

    assert initializer(pod({"storageUri": "s3://models/iris"}, **named))["image"] == "me/other:1"
    problems = resolved({"storageUri": "s3://models/iris"}, storageContainerName="nobody")
    assert isinstance(problems, list)
    assert [problem.code for problem in problems] == ["storage_container_unknown"]


def test_a_pin_that_nobody_would_check_is_refused() -> None:
    problems = resolved({"storageUri": f"pvc://models/iris?sha256={'a' * 64}"})

    assert isinstance(problems, list)
    assert [one.code for one in problems] == ["storage_pin_unchecked"]


def test_transformers_and_explainers_have_files_of_their_own() -> None:
    beside = {"containers": [{"name": "mine", "image": "me/mine:1"}]}
    spec = {
        "transformer": {**beside, "storageUris": [{"uri": "s3://words/list", "mountPath": "/mnt/words"}]},
        "explainer": {
            "containers": [{**beside["containers"][0], "env": [{"name": "STORAGE_URI", "value": "gs://e/x"}]}]
        },
    }

    transformer = pod({}, role="transformer", spec=spec)
    explainer = pod({}, role="explainer", spec=spec)

    assert initializer(transformer)["args"] == ["s3://words/list", "/mnt/words"]
    assert mounts(transformer["containers"][0])["/mnt/words"]["readOnly"] is True
    assert initializer(explainer)["args"] == ["gs://e/x", "/mnt/models"]
    assert env(explainer["containers"][0])["STORAGE_URI"] == "/mnt/models"


def test_no_value_of_a_secret_is_ever_in_a_child() -> None:
    """Nothing that could be one goes in, so what comes out names Secrets only."""
    effective = resolved({}, account={"secrets": [{"name": "minio"}]})
    assert isinstance(effective, Effective)

    text = json.dumps(render(effective, config()))

    assert "secretName" in text
    assert '"data"' not in text
    assert '"stringData"' not in text
