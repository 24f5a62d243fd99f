"""Object stores, a registry and a web server as pods of a test's namespace, each with the iris model and a password."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import joblib
import obstore
import urllib3
from obstore.store import S3Store

from tests.e2e import models, pods, services
from tests.e2e.pods import Namespace, Object
from tests.storage.faults import certificate
from tests.storage_servers.backends import upload
from tests.storage_servers.test_oci import HTPASSWD, LAYER, LOGIN, Registry
from tools import build
from tools.cluster.host import archive

REFERENCE = f"localhost/kserve-lite/e2e-stores:{uuid4().hex[:8]}"
PROGRAMS = ("minio", "fake-gcs-server", "oci-registry")
PASSWORD = "not-so-secret"
AUTHORITIES = "storage-authorities"  # the ConfigMap that the chart's value names


@dataclass(frozen=True)
class Place:
    """A model in the cluster, and the Secret that opens the place."""

    uri: str
    secret: Mapping[str, str]


def image(folder: Path) -> Path:
    """Return the archive of one image with the servers, which are static programs."""
    target = folder / "stores.tar"
    archive.write(target, REFERENCE, {f"/{name}": build.program(name) for name in PROGRAMS}, ["/none"])
    return target


def s3(namespace: Namespace) -> Place:
    """MinIO, which checks signatures."""
    command = ["/minio", "server", "--quiet", "--address", ":9000", "--certs-dir", "/tmp/certs", "/tmp/data"]
    keys = {"MINIO_ROOT_USER": "tester", "MINIO_ROOT_PASSWORD": PASSWORD}
    serve(namespace, "minio", command, 9000, keys)
    with forwarded(namespace, "minio", 9000) as port:
        client = S3Store(
            "models",
            endpoint=f"http://127.0.0.1:{port}",
            access_key_id="tester",
            secret_access_key=PASSWORD,
            client_options={"allow_http": True},
        )
        made = urllib3.request("PUT", obstore.sign(client, "PUT", "", timedelta(minutes=5)))
        assert made.status == 200, made.data
        obstore.put(client, "iris/model.joblib", trained())
    return Place(
        "s3://models/iris",
        {
            "AWS_ENDPOINT_URL": f"http://minio.{namespace.name}.svc.cluster.local:9000",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
        },
    )


def gs(namespace: Namespace) -> Place:
    """The emulator of Google's, with the bucket that the seed names."""
    address = f"gcs.{namespace.name}.svc.cluster.local:4443"
    command = ["/fake-gcs-server", "-scheme", "http", "-host", "0.0.0.0", "-port", "4443"]
    command += ["-backend", "memory", "-public-host", address]
    serve(namespace, "gcs", command, 4443)
    with forwarded(namespace, "gcs", 4443) as port:
        emulator = f"http://127.0.0.1:{port}"
        made = urllib3.request("POST", f"{emulator}/storage/v1/b", json={"name": "my-bucket"})
        assert made.status == 200, made.data
        upload(emulator, "my-sklearn-model/model.joblib", trained(), bucket="my-bucket")
    return Place("gs://my-bucket/my-sklearn-model", {"STORAGE_EMULATOR_HOST": f"http://{address}"})


def authorities(namespace: Namespace, folder: Path) -> None:
    """Make the registry's certificate, and the ConfigMap of whom to trust: every namespace of models needs it."""
    cert, _ = certificate(folder, host=registry_host(namespace))
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": AUTHORITIES},
            "data": {"cabundle.crt": cert.read_text()},
        }
    )


def registry_host(namespace: Namespace) -> str:
    """Return the name under which the registry is asked."""
    return f"registry.{namespace.name}.svc.cluster.local"


def oci(namespace: Namespace, folder: Path) -> Place:
    """A registry by TLS, whose authority is in the ConfigMap, and that wants a password."""
    host = registry_host(namespace)
    cert, key = folder / "cert.pem", folder / "key.pem"
    config = (
        "version: 0.1\nstorage: {filesystem: {rootdirectory: /tmp/data}}\n"
        "http: {addr: ':5000', tls: {certificate: /etc/registry/tls.crt, key: /etc/registry/tls.key}}\n"
        "auth: {htpasswd: {realm: tests, path: /etc/registry/htpasswd}}\n"
    )
    files = {
        "config.yml": config,
        "htpasswd": HTPASSWD,
        "tls.crt": cert.read_text(),
        "tls.key": key.read_text(),
    }
    command = ["/oci-registry", "serve", "/etc/registry/config.yml"]
    serve(namespace, "registry", command, 5000, files, "/etc/registry")
    with forwarded(namespace, "registry", 5000) as port:
        trusting = urllib3.PoolManager(ca_certs=str(cert))
        registry = Registry(f"127.0.0.1:{port}", "https", trusting)
        registry.push("team/iris", (f"{LAYER}+gzip", layer()))
    docker = {"auths": {f"{host}:5000": {"auth": LOGIN}}}
    return Place(f"oci://{host}:5000/team/iris:v1", {".dockerconfigjson": json.dumps(docker)})


def http(shelf: str) -> Place:
    """A web server that asks for a header."""
    host = shelf.partition("://")[2]
    login = b64encode(f"me:{PASSWORD}".encode()).decode()
    headers = json.dumps({"Authorization": f"Basic {login}"})
    return Place(f"{shelf}/private/iris/model.joblib", {"https-host": host, "headers": headers})


def pvc(namespace: Namespace) -> Place:
    """A volume claim, which asks for nothing."""
    return Place(f"{services.claim(namespace)}/iris", {})


def trained() -> bytes:
    """Return the iris model as it is stored."""
    content = io.BytesIO()
    joblib.dump(models.iris(), content)
    return content.getvalue()


def layer() -> bytes:
    """Return the layer of a model image."""
    content, model = io.BytesIO(), trained()
    with tarfile.open(fileobj=content, mode="w") as package:
        member = tarfile.TarInfo("models/model.joblib")
        member.size = len(model)
        package.addfile(member, io.BytesIO(model))
    return gzip.compress(content.getvalue())


def serve(
    namespace: Namespace,
    name: str,
    command: list[str],
    port: int,
    secret: Mapping[str, str] | None = None,
    mount: str = "",
) -> None:
    """Run a server; `secret` are its variables, or its files below `mount`."""
    container: Object = {
        "name": name,
        "image": REFERENCE,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "securityContext": {**pods.RESTRICTED, "runAsUser": 1000},
        "ports": [{"containerPort": port}],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    volumes: list[Object] = [{"name": "tmp", "emptyDir": {}}]
    if secret and mount:
        container["volumeMounts"].append({"name": "files", "mountPath": mount})
        volumes.append({"name": "files", "secret": {"secretName": f"{name}-server"}})
    elif secret:
        container["envFrom"] = [{"secretRef": {"name": f"{name}-server"}}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    }
    given = [secret_of(f"{name}-server", secret)] if secret else []
    namespace.apply(*given, pods.deployment(name, container, volumes), service)
    namespace.wait_for(lambda: namespace.ready(name))


def secret_of(name: str, entries: Mapping[str, str]) -> Object:
    """Return a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(entries)}


@contextmanager
def forwarded(namespace: Namespace, name: str, port: int) -> Iterator[int]:
    """Return a port of this machine that leads to the pod of an app until the block ends."""
    command = [build.program("kubectl"), "--namespace", namespace.name, "port-forward", f"deployment/{name}"]
    process = subprocess.Popen(
        [*map(str, command), f":{port}"],
        env={"KUBECONFIG": str(namespace.kubectl.kubeconfig)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert found, said
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate(timeout=20)
