"""nginx with a folder that everybody may read, and the same one behind a password; plain and by TLS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kserve_lite.local import ports
from tests.storage_servers.conftest import running

CONFIG = """\
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    {listen}
    location /open/ {{ alias {files}/; }}
    location /private/ {{ alias {files}/; auth_basic models; auth_basic_user_file {folder}/users; }}
    rewrite ^/moved/(.*)$ /open/$1 redirect;
  }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running server; `files` is what it serves at /open/ and, to `me` with the password, at /private/."""

    address: str
    secure: str
    files: Path


@contextmanager
def nginx(folder: Path, certificate: tuple[Path, Path]) -> Iterator[Nginx]:
    """Run nginx until the block ends."""
    program = shutil.which("nginx")
    assert program, "there is no nginx; `python -m tools packages` names what to install"
    port, secure = ports.free(2)
    files = folder / "files"
    files.mkdir()
    folder.chmod(0o755)
    (folder / "users").write_text("me:{PLAIN}not-so-secret\n")
    cert, key = certificate
    listen = f"listen 127.0.0.1:{secure} ssl; ssl_certificate {cert}; ssl_certificate_key {key};"
    (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, files=files, port=port, listen=listen))
    command: list[object] = [program, "-p", folder, "-c", folder / "nginx.conf"]
    command += ["-g", "user root;"] if folder.owner() == "root" else []
    with running(command, port, folder):
        yield Nginx(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{secure}", files)
