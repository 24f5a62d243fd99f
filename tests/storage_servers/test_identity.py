"""A pod's identity instead of a key.

MinIO's own token service gives keys for a token, as AWS does for EKS (IRSA); Azurite takes the token that a login
service gives for one, as Microsoft's does for AKS.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import obstore
import pytest
from obstore.store import AzureStore, S3Store

from kserve_lite.local import ports
from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import Settings
from tests.storage.faults import certificate
from tests.storage.peer import Peer, as_json, peer
from tests.storage.proxy import Breaks, between
from tests.storage.support import contents
from tests.storage_servers.conftest import AZURITE_KEY, make_container, minio_over_tls, running
from tools.build import program
from tools.wait import wait_for

__all__ = ["peer"]

QUICK = Settings(retries=0, stall=10)


@dataclass
class Issuer:
    """Who signs the tokens of ServiceAccounts, as a cluster does."""

    address: str
    key: Path

    def token(self, audience: str = "models", seconds: int = 600) -> str:
        """Return a signed token of a ServiceAccount."""
        claims = {
            "iss": self.address,
            "aud": audience,
            "sub": "system:serviceaccount:team:reader",
            "exp": int(time.time()) + seconds,
        }
        signed = ".".join(
            encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "1"}, claims)
        )
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.key)]
        signature = subprocess.run(command, input=signed.encode(), check=True, capture_output=True).stdout
        return f"{signed}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture
def issuer(peer: Peer, tmp_path: Path) -> Issuer:
    key = tmp_path / "issuer.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    show = ["openssl", "rsa", "-in", str(key), "-noout", "-modulus"]
    modulus = (
        subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip().partition("=")[2]
    )
    public = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "e": "AQAB"}
    documents = {
        "/.well-known/openid-configuration": {
            "issuer": peer.address,
            "jwks_uri": f"{peer.address}/keys",
            "authorization_endpoint": f"{peer.address}/authorize",
            "token_endpoint": f"{peer.address}/token",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
        "/keys": {"keys": [{**public, "n": encoded(bytes.fromhex(modulus))}]},
    }
    peer.reply = lambda path, query: as_json(documents[path])
    return Issuer(peer.address, key)


@pytest.fixture
def role(issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run MinIO with a role for the issuer's tokens; return the token's file, as EKS would mount and name it."""
    with minio_over_tls(
        tmp_path / "minio",
        MINIO_IDENTITY_OPENID_CONFIG_URL=f"{issuer.address}/.well-known/openid-configuration",
        MINIO_IDENTITY_OPENID_CLIENT_ID="models",
        MINIO_IDENTITY_OPENID_ROLE_POLICY="readwrite",
    ) as (port, cert):
        endpoint = f"https://127.0.0.1:{port}"
        owner = S3Store(
            "models",
            endpoint=endpoint,
            access_key_id="tester",
            secret_access_key="not-so-secret",
            client_options={"root_certificate": cert.read_bytes()},
        )
        obstore.put(owner, "iris/model.joblib", b"a model")
        found: list[str] = []
        wait_for(
            "MinIO's role for the issuer's tokens",
            lambda: (
                found.extend(re.findall(r"arn:minio:iam:\S+", (tmp_path / "minio" / "log").read_text()))
                or found
            ),
            timeout=60,
            remedy=f"read {tmp_path / 'minio' / 'log'}",
        )
        token = tmp_path / "token"
        token.write_text(issuer.token())
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_STS": endpoint,
            "AWS_ROLE_ARN": found[0],
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
            "AWS_CA_BUNDLE": str(cert),
        }.items():
            monkeypatch.setenv(name, value)
        yield token


def test_a_token_of_the_service_account_opens_the_bucket(role: Path, dest: Path) -> None:
    fetch("s3://models/iris", dest, settings=QUICK)

    assert contents(dest) == {"model.joblib": b"a model"}


def test_a_token_that_the_role_does_not_take_is_one_error_without_the_token(
    role: Path, issuer: Issuer, dest: Path
) -> None:
    role.write_text(issuer.token(audience="another"))

    with pytest.raises(StorageError) as failure:
        fetch("s3://models/iris", dest, settings=QUICK)

    assert failure.value.code in ("access_denied", "wrong_credentials")
    assert role.read_text() not in str(failure.value)
    assert contents(dest) == {}


@pytest.fixture
def azure_identity(peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """Run Azurite for tokens alone, and a login service that gives one for a pod's; yields the service."""
    folder, port = tmp_path / "azurite", ports.free(1)[0]
    folder.mkdir()
    cert, key = certificate(tmp_path)
    command: list[object] = [program("azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", port]
    command += ["--location", folder, "--cert", cert, "--key", key, "--oauth", "basic"]
    with (
        running([*command, "--skipApiVersionCheck", "--silent"], port, folder),
        between(Breaks(peer.address), tls=(cert, key)) as login,
    ):
        endpoint = f"https://127.0.0.1:{port}/devstoreaccount1"
        make_container(endpoint, "models", cert)
        owner = AzureStore(
            "models",
            account_name="devstoreaccount1",
            account_key=AZURITE_KEY,
            endpoint=endpoint,
            client_options={"root_certificate": cert.read_bytes()},
        )
        obstore.put(owner, "iris/model.joblib", b"a model")
        (tmp_path / "federated").write_text("the pod's token")
        for name, value in {
            "AZURE_STORAGE_ENDPOINT": endpoint,
            "AZURE_STORAGE_ACCOUNT_NAME": "devstoreaccount1",
            "AZURE_AUTHORITY_HOST": login.address,
            "AZURE_CLIENT_ID": "reader",
            "AZURE_TENANT_ID": "team",
            "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "federated"),
            "SSL_CERT_FILE": str(cert),
        }.items():
            monkeypatch.setenv(name, value)
        yield peer


def test_a_token_of_the_service_account_opens_the_container(azure_identity: Peer, dest: Path) -> None:
    """Azurite reads a token's claims and does not check who signed it."""
    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/team/"}
    times = {"nbf": now - 60, "iat": now - 60, "exp": now + 600}
    parts = ({"alg": "RS256", "typ": "JWT"}, {**claims, **times}, {})
    token = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    azure_identity.reply = lambda path, query: as_json({"access_token": token, "expires_in": 600})

    fetch("azure://models/iris", dest, settings=QUICK)

    assert contents(dest) == {"model.joblib": b"a model"}
    assert azure_identity.sent[0][0] == "/team/oauth2/v2.0/token"
    assert "client_id=reader" in azure_identity.bodies[0]
    assert quote_plus("the pod's token") in azure_identity.bodies[0]


def test_a_token_that_the_login_service_does_not_take_is_wrong_credentials(
    azure_identity: Peer, dest: Path
) -> None:
    azure_identity.reply = lambda path, query: (400, {}, b'{"error": "invalid_client"}')

    with pytest.raises(StorageError) as failure:
        fetch("azure://models/iris", dest, settings=QUICK)

    assert failure.value.code == "wrong_credentials"
    assert "the pod's token" not in str(failure.value)
    assert contents(dest) == {}
