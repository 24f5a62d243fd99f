"""Build an image by docker, podman or buildah, whichever this machine has, and keep it as an OCI archive."""

import os
import shutil
import sys
from abc import ABC, abstractmethod
from pathlib import Path

from tools import cache, debian
from tools.cache import CLONE
from tools.cluster.provider import answers, container_engine, engine_refusals
from tools.errors import ToolError
from tools.images import base
from tools.images.catalogue import Image
from tools.shell import run

BUILD_TIMEOUT = 1800


class Engine(ABC):
    """A program that builds Dockerfiles."""

    @abstractmethod
    def build(self, image: Image) -> None:
        """Build `image` under its reference."""

    @abstractmethod
    def build_folder(self, folder: Path, reference: str, server: str) -> None:
        """Build the Dockerfile of a user's folder on the image `server`."""

    @abstractmethod
    def save(self, reference: str, target: Path) -> None:
        """Write an image as an OCI archive."""

    @abstractmethod
    def base_layers(self) -> int:
        """Return how many layers of every image are the base's."""


class Docker(Engine):
    """Docker or Podman: they take the base from its registry."""

    def __init__(self, name: str) -> None:
        self.name = name

    def build(self, image: Image) -> None:
        """Build with the engine's own cache, on the published base."""
        self._ensure_base()
        file = CLONE / image.dockerfile
        self._build(*names(image), "--file", file, CLONE)

    def _ensure_base(self) -> None:
        """Take the base as its registry has it now; where that does not answer, say so and take what is here."""
        try:  # a builder's own copy would do to build, but cannot be asked for its layers
            run([self.name, "pull", base.PUBLISHED], timeout=600)
        except ToolError as error:
            if not answers([self.name, "image", "inspect", base.PUBLISHED]):
                raise
            print(f"{base.PUBLISHED} is the one pulled before: {error.message}", file=sys.stderr)

    def build_folder(self, folder: Path, reference: str, server: str) -> None:
        """Build with the engine's own cache."""
        self._build("--build-arg", f"SERVER={server}", "--tag", reference, folder)

    def _build(self, *arguments: str | Path) -> None:
        """Build by the engine itself: another builder that its user chose keeps the image from its store."""
        environment = {**os.environ, "BUILDX_BUILDER": self._own_builder()}
        run([self.name, "build", *arguments], env=environment, timeout=BUILD_TIMEOUT)

    def _own_builder(self) -> str:
        """Return the builder of the engine that is in use: it has the name of the context, as Docker Desktop's has."""
        try:
            return run([self.name, "context", "show"]).strip()
        except ToolError:  # a Docker before 23, or Podman, which has no builders
            return "default"

    def save(self, reference: str, target: Path) -> None:
        """Save as the engine does; both write what containerd imports."""
        run([self.name, "save", "--output", str(target), reference], timeout=300)

    def base_layers(self) -> int:
        """Ask for the layers of the image that the Dockerfiles name."""
        layers = run([self.name, "image", "inspect", "--format", "{{len .RootFS.Layers}}", base.PUBLISHED])
        return int(layers)


class Buildah(Engine):
    """Buildah with a store of its own, on a base that is bootstrapped from the distribution's packages."""

    def __init__(self) -> None:
        store = cache.home() / "buildah"
        places = ["--root", str(store / "root"), "--runroot", str(store / "run")]
        self.command = ["buildah", *places, "--storage-driver", "overlay"]

    def build(self, image: Image) -> None:
        """Build without a network namespace of its own and with the machine's certificates."""
        self._ensure_base()
        options = ["--quiet", "--layers", "--isolation", "chroot", "--network", "host", "--timestamp", "0"]
        if certificates := os.environ.get("SSL_CERT_FILE"):
            options += ["--volume", f"{certificates}:/etc/ssl/certs/ca-certificates.crt:ro"]
        options += ["--build-arg", f"BASE_IMAGE={base.LOCAL}"]
        file = CLONE / image.dockerfile
        run([*self.command, "build", *options, *names(image), "--file", file, CLONE], timeout=BUILD_TIMEOUT)

    def build_folder(self, folder: Path, reference: str, server: str) -> None:
        """Build without a network namespace of its own."""
        options = ["--quiet", "--isolation", "chroot", "--network", "host", "--pull-never"]
        options += ["--build-arg", f"SERVER={server}", "--tag", reference]
        run([*self.command, "build", *options, folder], timeout=BUILD_TIMEOUT)

    def _ensure_base(self) -> None:
        if base.LOCAL in run([*self.command, "images", "--format", "{{.Name}}:{{.Tag}}"]).split():
            return
        folder = base.tarball().parent
        (folder / "Dockerfile").write_text(f"FROM scratch\nADD {base.tarball().name} /\n")
        options = ["--quiet", "--isolation", "chroot", "--timestamp", "0", "--tag", base.LOCAL]
        run([*self.command, "build", *options, folder], timeout=BUILD_TIMEOUT)

    def save(self, reference: str, target: Path) -> None:
        """Push to an archive; the layers stay unpacked, so that loading them is quick."""
        target.unlink(missing_ok=True)  # buildah adds to an archive that exists
        options = ["push", "--quiet", "--disable-compression"]
        run([*self.command, *options, reference, f"oci-archive:{target}:{reference}"], timeout=300)

    def base_layers(self) -> int:
        """The bootstrapped base has one layer."""
        return 1


def names(image: Image) -> list[str]:
    """Return the options by which every engine knows which image to build and what it is called."""
    labels = [f"--label=org.opencontainers.image.{name}={value}" for name, value in image.labels.items()]
    return ["--target", image.name, "--tag", image.reference, *labels]


def find() -> Engine:
    """Return the engine of this machine."""
    if name := container_engine():
        return Docker(name)
    if shutil.which("buildah") and os.geteuid() == 0:
        return Buildah()
    raise ToolError(
        f"images need a Docker or Podman engine that answers, or buildah and root{engine_refusals()}",
        f"start Docker, or as root: {debian.apt_line(debian.IMAGES)}",
    )
