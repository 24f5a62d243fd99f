"""Where the API server is and who we are there: a kubeconfig as kubectl reads it, or the account of the pod."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kserve_lite.controller.runtime.credentials import VERSIONS, Credentials, Fixed, Program, TokenFile
from kserve_lite.controller.runtime.errors import NoAccess

Fields = dict[str, Any]

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_FILES = frozenset({"certificate-authority", "client-certificate", "client-key", "tokenFile"})


@dataclass(frozen=True, slots=True)
class Access:
    """One server and one user of it."""

    server: str
    credentials: Credentials = field(default_factory=Fixed)
    namespace: str = "default"
    trust: ssl.SSLContext | None = None  # None where the server speaks plain HTTP
    server_name: str | None = None  # … in its certificate, where that is not its host
    proxy: str | None = None


def find(file: Path | None = None, context: str | None = None) -> Access:
    """Return what the given file says, else the pod's account, else `KUBECONFIG` or `~/.kube/config`.

    Raises `NoAccess`.
    """
    if file is None and (inside := _of_pod()) is not None:
        return inside
    named = [str(file)] if file else os.environ.get("KUBECONFIG", "~/.kube/config").split(os.pathsep)
    return choose([_read(Path(name).expanduser()) for name in _existing(named)], context)


def choose(configs: Sequence[Fields], context: str | None = None) -> Access:
    """Return the access by a context, the current one by default. Of several files the first that names it counts."""
    current = context or next((str(name) for one in configs if (name := one.get("current-context"))), None)
    if current is None:
        raise NoAccess("it names no current context; choose one with --context")
    chosen = _named(configs, "context", current)
    if not chosen.get("cluster"):
        raise NoAccess(f"context '{current}' names no cluster")
    cluster = _named(configs, "cluster", chosen["cluster"])
    user = _named(configs, "user", chosen["user"]) if chosen.get("user") else {}
    server = str(cluster.get("server") or "http://localhost:8080").rstrip("/")
    return Access(
        server=server,
        credentials=_credentials(user),
        namespace=chosen.get("namespace") or "default",
        trust=_trust(cluster, user) if server.startswith("https:") else None,
        server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url"),
    )


def _of_pod(folder: Path = ACCOUNT) -> Access | None:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port or not (folder / "token").is_file():
        return None
    return Access(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        credentials=TokenFile(folder / "token"),
        namespace=(folder / "namespace").read_text(encoding="utf-8").strip(),
        trust=_trust({"certificate-authority": str(folder / "ca.crt")}, {}),
    )


def _existing(names: Sequence[str]) -> list[str]:
    there = [name for name in names if name and Path(name).expanduser().is_file()]
    if not there:
        raise NoAccess(f"there is no file {' or '.join(filter(None, names))}")
    return there


def _read(file: Path) -> Fields:
    """Read one file; the paths in it are relative to its folder."""
    from ruamel.yaml import YAML  # a controller in a pod reads none
    from ruamel.yaml.error import YAMLError

    try:
        config = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise NoAccess(f"{file}: {error}") from error
    if not isinstance(config, dict):
        raise NoAccess(f"{file} is no kubeconfig")
    for name in ("cluster", "user"):
        for entry in config.get(f"{name}s") or ():
            fields = entry.get(name) or {}
            for path in _FILES & fields.keys():
                fields[path] = str(file.parent / str(fields[path]))
            if (command := (fields.get("exec") or {}).get("command")) and "/" in command:
                fields["exec"]["command"] = str(file.parent / command)
    return config


def _named(configs: Sequence[Fields], what: str, name: str) -> Fields:
    for config in configs:
        for entry in config.get(f"{what}s") or ():
            if entry.get("name") == name:
                return entry.get(what) or {}
    raise NoAccess(f"{what} '{name}' is not in it")


def _credentials(user: Fields) -> Credentials:
    if file := user.get("tokenFile"):
        return TokenFile(Path(file))
    if token := user.get("token"):
        return Fixed(f"Bearer {token}")
    if program := user.get("exec"):
        return _program(program)
    if user.get("username") and user.get("password"):
        both = f"{user['username']}:{user['password']}".encode()
        return Fixed(f"Basic {base64.b64encode(both).decode()}")
    if user.get("auth-provider"):
        raise NoAccess("auth-provider is not supported (nor is it by kubectl since 1.26); use exec")
    return Fixed()


def _program(program: Fields) -> Program:
    version = str(program.get("apiVersion"))
    if version not in VERSIONS:
        raise NoAccess(f"exec of version {version} is not supported; {', '.join(VERSIONS)} are")
    return Program(
        command=(str(program["command"]), *map(str, program.get("args") or ())),
        api_version=version,
        environment={str(one["name"]): str(one["value"]) for one in program.get("env") or ()},
        hint=str(program.get("installHint") or "").strip(),
    )


def _trust(cluster: Fields, user: Fields) -> ssl.SSLContext:
    """Return how the server's certificate is checked, and the client's own where the user has one."""
    try:
        authority = _bytes(cluster, "certificate-authority")
        # Around the certificates in PEM there may be remarks in any language.
        text = authority.decode("ascii", errors="ignore") if authority is not None else None
        context = ssl.create_default_context(cadata=text)
        # Python 3.13 is strict about extensions that the authorities of older clusters lack.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cluster.get("insecure-skip-tls-verify") and authority is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if (certificate := _bytes(user, "client-certificate")) is not None:
            with tempfile.NamedTemporaryFile() as pair:  # OpenSSL reads them from a file only
                pair.write(certificate + b"\n" + (_bytes(user, "client-key") or b""))
                pair.flush()
                context.load_cert_chain(pair.name)
    except (OSError, ValueError) as error:
        raise NoAccess(f"its certificates cannot be used: {error}") from error
    return context


def _bytes(fields: Fields, name: str) -> bytes | None:
    """Return what stands in `{name}-data`, or in the file that `{name}` is."""
    if inline := fields.get(f"{name}-data"):
        try:
            return base64.b64decode(inline, validate=False)
        except binascii.Error as error:
            raise ValueError(f"{name}-data is not base64: {error}") from error
    return Path(fields[name]).read_bytes() if fields.get(name) else None
