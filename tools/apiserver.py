"""A real API server on loopback: etcd and kube-apiserver as processes. No kubelet, no controllers, no root.

For tests of what an API server decides (CRDs, CEL rules, server-side apply, watches). Garbage collection and pods
need the whole cluster of `tools.cluster`.
"""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.build import program
from tools.errors import ToolError

TOKEN = "loopback-only"
PATIENCE = 120.0


@dataclass
class ApiServer:
    """Two processes with their state in `folder`; `kubeconfig` is an administrator's."""

    folder: Path
    etcd_port: int = 0
    port: int = 0
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """What kubectl, helm and the controller are given."""
        return self.folder / "kubeconfig"

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"https://127.0.0.1:{self.port}"

    def __enter__(self) -> ApiServer:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.etcd_port, self.port = free_port(), free_port()
        self._credentials()
        self.start_etcd()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.stop_etcd()

    def start_etcd(self) -> None:
        """Start etcd on its folder; what it held before is there again."""
        url = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{free_port()}"
        self._run(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",  # losing power loses a test's state, nothing more
            "--log-level=warn",
        )
        self._wait("etcd", lambda: urllib.request.urlopen(f"{url}/health", timeout=2))

    def start(self) -> None:
        """Start the API server and wait until it says that it is ready."""
        key = self.folder / "sa.key"
        self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder / 'certs'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            # Without controllers nobody makes the account that a pod would get.
            "--disable-admission-plugins=ServiceAccount",
        )
        self._wait("kube-apiserver", self._ready)
        self.kubeconfig.write_text(json.dumps(self._config()))

    def stop(self, number: int = signal.SIGKILL) -> None:
        """End the API server; connections to it break."""
        self._end("kube-apiserver", number)

    def stop_etcd(self, number: int = signal.SIGKILL) -> None:
        """End etcd."""
        self._end("etcd", number)

    def compact(self) -> None:
        """Make etcd forget all history, so that resuming a watch from an old version answers 410."""
        base = f"http://127.0.0.1:{self.etcd_port}/v3/kv"
        now = _post(f"{base}/range", {"key": "AA=="})["header"]["revision"]
        _post(f"{base}/compaction", {"revision": now, "physical": True})

    def _credentials(self) -> None:
        key = self.folder / "sa.key"
        if not key.exists():
            subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        (self.folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")

    def _config(self) -> dict[str, object]:
        cluster = {"server": self.url, "certificate-authority": str(self.folder / "certs" / "apiserver.crt")}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "loopback", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "loopback", "context": {"cluster": "loopback", "user": "admin"}}],
            "current-context": "loopback",
        }

    def _ready(self) -> object:
        trust = ssl.create_default_context(cafile=str(self.folder / "certs" / "apiserver.crt"))
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {TOKEN}"})
        return urllib.request.urlopen(request, timeout=2, context=trust)

    def _run(self, name: str, *arguments: str) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                [program(name), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )

    def _wait(self, name: str, ready: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if (code := self._processes[name].poll()) is not None:
                raise ToolError(f"{name} ended with {code}", f"see {self.folder / name}.log")
            try:
                ready()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise ToolError(f"{name} was not ready in {PATIENCE:.0f} s", f"see {self.folder / name}.log")

    def _end(self, name: str, number: int) -> None:
        if (process := self._processes.pop(name, None)) is not None:
            process.send_signal(number)
            process.wait(timeout=60)


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _post(url: str, body: object) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
