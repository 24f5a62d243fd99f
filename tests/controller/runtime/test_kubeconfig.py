"""Kubeconfigs as kubectl reads them: which server, which user, and what is wrong where something is."""

import base64
import json
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.controller.runtime.credentials import Program, TokenFile
from kserve_lite.controller.runtime.errors import NoAccess
from kserve_lite.controller.runtime.kube import ApiError, Kube
from kserve_lite.controller.runtime.kubeconfig import Access, _of_pod, find
from tests.certificates import self_signed

Fields = dict[str, Any]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a kubeconfig with one context; what is given replaces parts of it."""

    def written(name: str = "config", *, cluster: Fields | None = None, user: Fields | None = None,
                **more: Any) -> Path:  # fmt: skip
        config = {
            "clusters": [{"name": "c", "cluster": cluster or {"server": "http://localhost:1"}}],
            "users": [{"name": "u", "user": user or {}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        } | more
        (tmp_path / name).write_text(json.dumps(config))
        return tmp_path / name

    return written


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate and its key."""
    folder = tmp_path_factory.mktemp("pair")
    self_signed(folder, "tls", subject="localhost")
    return folder


@pytest.mark.parametrize(
    ("user", "header"),
    [
        pytest.param({}, None, id="nobody"),
        pytest.param({"token": "t"}, "Bearer t", id="token"),
        pytest.param({"username": "u", "password": "p"}, "Basic dTpw", id="password"),
        pytest.param(
            {"client-certificate-data": "", "token": "t"}, "Bearer t", id="empty fields are no fields"
        ),
    ],
)
async def test_who_we_are_is_said_in_the_header(
    write: Callable[..., Path], user: Fields, header: str | None
) -> None:
    assert await find(write(user=user)).credentials.header() == header


async def test_a_token_in_a_file_is_read_again_after_a_minute_and_when_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    now = [0.0]
    token = TokenFile(tmp_path / "token", clock=lambda: now[0])
    assert await token.header() == "Bearer one"
    assert await token.renew("Bearer one") is None

    (tmp_path / "token").write_text("two\n")
    assert await token.header() == "Bearer one"
    assert await token.renew("Bearer one") == "Bearer two"
    (tmp_path / "token").write_text("three\n")
    now[0] = 61.0
    assert await token.header() == "Bearer three"
    (tmp_path / "token").unlink()
    now[0] = 122.0
    with pytest.raises(NoAccess, match="token cannot be read"):
        await token.header()


async def test_a_program_is_asked_once_until_its_token_ends_or_is_refused(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    ends = "2031-01-01T00:10:00Z"
    script = tmp_path / "login"
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, os, pathlib\n"
        "asked = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "runs = pathlib.Path(os.environ['RUNS'])\n"
        "runs.write_text(runs.read_text() + 'x' if runs.exists() else 'x')\n"
        "status = {'token': f'{asked[\"kind\"]}-{len(runs.read_text())}', 'expirationTimestamp': '"
        + ends
        + "'}\n"
        "print(json.dumps({'apiVersion': asked['apiVersion'], 'kind': 'ExecCredential', 'status': status}))\n"
    )
    script.chmod(0o755)
    runs = [{"name": "RUNS", "value": str(tmp_path / "runs")}]
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login", "env": runs}
    credentials = find(write(user={"exec": program})).credentials
    assert isinstance(credentials, Program)
    now = [datetime(2031, 1, 1, tzinfo=UTC)]
    credentials.clock = lambda: now[0]

    assert await credentials.header() == await credentials.header() == "Bearer ExecCredential-1"
    assert await credentials.renew("Bearer ExecCredential-1") == "Bearer ExecCredential-2"
    assert await credentials.renew("Bearer ExecCredential-1") == "Bearer ExecCredential-2"
    now[0] += timedelta(minutes=9, seconds=45)
    assert await credentials.header() == "Bearer ExecCredential-3"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        pytest.param(["no-such-login"], "cannot be run: No such file or directory. Get it from us", id="missing"),
        pytest.param(["sh", "-c", "echo no ticket >&2; exit 3"], "sh ended with 3: no ticket", id="fails"),
        pytest.param(["echo", "{}"], "no ExecCredential with a token", id="says something else"),
        pytest.param(["echo", '{"status": {"clientCertificateData": "x"}}'], "client certificate", id="certificate"),
    ],
)  # fmt: skip
async def test_a_program_that_gives_no_token_is_named_with_what_it_said(
    command: list[str], complaint: str
) -> None:
    program = Program(tuple(command), "client.authentication.k8s.io/v1", hint="Get it from us")
    with pytest.raises(NoAccess, match=complaint):
        await program.header()


def test_a_certificate_is_taken_from_a_file_beside_the_kubeconfig_or_from_its_data(
    write: Callable[..., Path], pair: Path
) -> None:
    def encoded(name: str) -> str:
        return base64.b64encode((pair / name).read_bytes()).decode()

    for name in ("tls.crt", "tls.key"):
        write(name).write_bytes((pair / name).read_bytes())
    server = {"server": "https://localhost:1"}
    by_file = write(
        cluster={**server, "certificate-authority": "tls.crt"},
        user={"client-certificate": "tls.crt", "client-key": "tls.key"},
    )
    trusts = [find(by_file).trust]
    by_data = write(
        cluster={**server, "certificate-authority-data": encoded("tls.crt")},
        user={"client-certificate-data": encoded("tls.crt"), "client-key-data": encoded("tls.key")},
    )
    trusts.append(find(by_data).trust)

    for trust in trusts:
        assert trust is not None
        assert trust.verify_mode == ssl.CERT_REQUIRED
        assert trust.check_hostname
        assert [one["subject"] for one in trust.get_ca_certs()] == [((("commonName", "localhost"),),)]


def test_only_who_asks_for_it_goes_unprotected(write: Callable[..., Path]) -> None:
    cluster = {
        "server": "https://localhost:1",
        "tls-server-name": "kubernetes",
        "proxy-url": "http://proxy:1",
    }
    safe = find(write(cluster=cluster))
    loose = find(write(cluster={**cluster, "insecure-skip-tls-verify": True}))

    assert safe.trust is not None
    assert loose.trust is not None
    assert (safe.trust.verify_mode, loose.trust.verify_mode) == (ssl.CERT_REQUIRED, ssl.CERT_NONE)
    assert (safe.server_name, safe.proxy) == ("kubernetes", "http://proxy:1")


def test_of_several_files_the_first_that_names_something_counts(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write("first", cluster={"server": "http://first:1"}, contexts=[], **{"current-context": None})
    second = write(
        "second", cluster={"server": "http://second:1"}, users=[{"name": "u", "user": {"token": "t"}}]
    )
    monkeypatch.setenv("KUBECONFIG", f"{first}:{first.parent / 'absent'}:{second}")

    assert find().server == "http://first:1"
    assert find(second).server == "http://second:1"


async def test_the_account_of_a_pod_is_used_where_there_is_one(
    tmp_path: Path, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"token": "t", "namespace": "models", "ca.crt": (pair / "tls.crt").read_text()}.items():
        (tmp_path / name).write_text(text)
    assert _of_pod(tmp_path) is None

    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = _of_pod(tmp_path)
    assert isinstance(access, Access)
    assert (access.server, access.namespace) == ("https://[fd00::1]:443", "models")
    assert await access.credentials.header() == "Bearer t"


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        pytest.param({"current-context": None}, "no current context; choose one with --context", id="no context"),
        pytest.param({"current-context": "y"}, "context 'y' is not in it", id="wrong context"),
        pytest.param({"clusters": []}, "cluster 'c' is not in it", id="wrong cluster"),
        pytest.param({"users": []}, "user 'u' is not in it", id="wrong user"),
        pytest.param({"user": {"auth-provider": {"name": "gcp"}}}, "auth-provider is not supported", id="provider"),
        pytest.param({"user": {"exec": {"apiVersion": "x/v9", "command": "c"}}}, "exec of version x/v9", id="exec"),
        pytest.param({"cluster": {"server": "https://h", "certificate-authority": "none"}}, "none", id="no authority"),
        pytest.param({"cluster": {"server": "https://h", "proxy-url": "socks5://p"}}, "proxy socks5://p", id="proxy"),
    ],
)  # fmt: skip
def test_a_kubeconfig_that_cannot_be_used_says_why(
    write: Callable[..., Path], parts: Fields, complaint: str
) -> None:
    with pytest.raises(ApiError, match=f"kubeconfig cannot be used: .*{complaint}"):
        Kube.connect(write(**parts))


@pytest.mark.parametrize("text", ["[]", "a: [", "\x00"], ids=["a list", "broken", "binary"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "other").write_text(text)
    with pytest.raises(ApiError, match="other"):
        Kube.connect(tmp_path / "other")
    with pytest.raises(ApiError, match="there is no file"):
        Kube.connect(tmp_path / "absent")
