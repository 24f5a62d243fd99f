"""Certificates for tests and benchmarks."""

import subprocess
from pathlib import Path


def self_signed(folder: Path, name: str, subject: str = "") -> tuple[Path, Path]:
    """A certificate that is its own authority, for localhost, and its key; `subject` is `name` unless given."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", f"/CN={subject or name}", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key
