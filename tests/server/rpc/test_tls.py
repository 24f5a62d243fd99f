"""TLS and mutual TLS on the gRPC port, and a certificate that is replaced while the server runs."""

import shutil
import socket
import ssl
from pathlib import Path

import grpc
import pytest

from tests.certificates import self_signed
from tests.server.models import IRIS, iris, save
from tests.server.process import refused, serving
from tests.server.rpc.client import Both, Input, grpc_port, refusal, request, tensors

pytestmark = pytest.mark.slow

ROW = request("model", [Input("x", "FP64", IRIS.data[:1])], raw=True)


def infer(port: int, authority: bytes, *client: Path) -> list[object]:
    """Ask over TLS, trusting `authority`, showing the client's certificate when there is one."""
    shown = [path.read_bytes() for path in client]
    chain, key = shown if shown else (None, None)
    credentials = grpc.ssl_channel_credentials(authority, key, chain)
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    with grpc.secure_channel(f"localhost:{port}", credentials, options) as channel:
        grpc.channel_ready_future(channel).result(10)
        return tensors(Both(None, channel, port).infer(ROW))["output-0"][2]  # type: ignore[arg-type]


def test_a_client_that_trusts_the_certificate_is_answered_and_plain_text_is_not(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, "server")
    save(iris(), tmp_path / "model")
    flags = ("--enable_grpc=true", "--grpc_port=0", f"--grpc_tls_cert={chain}", f"--grpc_tls_key={key}")
    with serving(tmp_path / "model", *flags) as server:
        port = grpc_port(server)

        assert infer(port, chain.read_bytes()) == [0]
        with grpc.insecure_channel(f"localhost:{port}") as channel:
            plain = Both(server, channel, port)
            assert refusal(lambda: plain.infer(ROW, timeout=5))[0] in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            )

        old = chain.read_bytes()
        renewed, renewed_key = self_signed(tmp_path, "renewed")
        renewed_key.rename(key)
        renewed.rename(chain)

        assert infer(port, chain.read_bytes()) == [0]
        with pytest.raises(grpc.FutureTimeoutError):
            infer(port, old)


def test_mutual_tls_wants_a_client_certificate_of_the_named_authority(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, "server")
    client, client_key = self_signed(tmp_path, "client")
    save(iris(), tmp_path / "model")
    flags = ["--enable_grpc=true", "--grpc_port=0", f"--grpc_tls_cert={chain}", f"--grpc_tls_key={key}"]
    with serving(tmp_path / "model", *flags, f"--grpc_tls_client_ca={client}") as server:
        port = grpc_port(server)

        assert infer(port, chain.read_bytes(), client, client_key) == [0]
        with pytest.raises((grpc.FutureTimeoutError, grpc.RpcError)):
            infer(port, chain.read_bytes())


def test_new_authorities_and_a_new_certificate_are_used_by_the_next_handshake(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, "server")
    first, second = self_signed(tmp_path, "first"), self_signed(tmp_path, "second")
    authority = tmp_path / "authority.crt"
    shutil.copy(first[0], authority)
    save(iris(), tmp_path / "model")
    flags = ["--enable_grpc=true", "--grpc_port=0", f"--grpc_tls_cert={chain}", f"--grpc_tls_key={key}"]
    with serving(tmp_path / "model", *flags, f"--grpc_tls_client_ca={authority}") as server:
        port = grpc_port(server)
        trusted = chain.read_bytes()
        assert infer(port, trusted, *first) == [0]
        with pytest.raises((grpc.FutureTimeoutError, grpc.RpcError)):
            infer(port, trusted, *second)

        shutil.copy(second[0], authority)

        assert infer(port, trusted, *second) == [0]
        with pytest.raises((grpc.FutureTimeoutError, grpc.RpcError)):
            infer(port, trusted, *first)

        key.write_text("half a file")  # between the files of a replacement the old ones stay

        assert infer(port, trusted, *second) == [0]
        assert "Traceback" not in server.log()


def test_http_2_is_agreed_on_in_the_handshake(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, "server")
    save(iris(), tmp_path / "model")
    flags = ["--enable_grpc=true", "--grpc_port=0", f"--grpc_tls_cert={chain}", f"--grpc_tls_key={key}"]
    context = ssl.create_default_context(cafile=chain)
    context.set_alpn_protocols(["http/1.1", "h2"])
    with serving(tmp_path / "model", *flags) as server:
        address = ("127.0.0.1", grpc_port(server))
        with (
            socket.create_connection(address) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            assert secure.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param(["--grpc_tls_cert=a.crt"], "go together", id="certificate alone"),
        pytest.param(["--grpc_tls_client_ca=a.crt"], "needs --grpc_tls_cert", id="authority alone"),
        pytest.param(
            ["--grpc_tls_cert=no.crt", "--grpc_tls_key=no.key"], "cannot read no.key", id="no such file"
        ),
        pytest.param(
            ["--grpc_tls_cert=/etc/hosts", "--grpc_tls_key=/etc/hosts"], "cannot be used", id="no certificate"
        ),
    ],
)
def test_files_that_cannot_be_used_are_refused_at_the_start(
    model_root: Path, flags: list[str], sentence: str
) -> None:
    status, said = refused(f"--model_dir={model_root}", "--enable_grpc=true", "--grpc_port=0", *flags)

    assert status == 1
    assert sentence in said
    assert "[tls_files_unusable]" in said
