"""One component as a process of this machine: mount paths become folders, ports free ones. Pure values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kserve_lite.resolve.effective import Role

# Flags of a container that name a port or an address of the pod: this machine gives its own.
PLACED_HERE = ("http_port", "grpc_port", "host", "log_format", "predictor_host")
# How a program that is not our server is told the rest: a server of another project may not know such flags.
HOST, LOG_FORMAT, EXPLAINER_HOST = "KSERVE_LITE_HOST", "KSERVE_LITE_LOG_FORMAT", "KSERVE_LITE_EXPLAINER_HOST"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Fetch:
    """A storage step as this machine does it: bring what is at `uri` to the folder that stands for `mount_path`."""

    uri: str
    mount_path: str
    path: str
    watched: Path | None


@dataclass(frozen=True)
class Mount:
    """A folder of this machine that stands for a mount path: used in place."""

    folder: Path
    mount_path: str


@dataclass(frozen=True)
class Files:
    """Texts that stand in the manifests themselves, or none at all: written to a folder of their own."""

    mount_path: str
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a process answers on this machine, and where it finds the others."""

    http_port: int
    grpc_port: int
    predictor: str = ""
    explainer: str = ""


@dataclass(frozen=True)
class Part:
    """How one component runs; two equal parts need no restart.

    `program` is the command line before the arguments; `server` says that it is our model server.
    """

    role: Role
    field: str
    names: tuple[str, ...]  # the component's own host names
    probe: str
    program: tuple[str, ...]
    server: bool
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    fetches: tuple[Fetch, ...]
    mounts: tuple[Mount, ...]
    files: tuple[Files, ...]
    folder: Path | None  # where it runs; None: where its files are

    def watched(self) -> list[Path]:
        """Return the files and folders of this machine that it is made from."""
        scripts = [
            self.folder / arg for arg in (*self.program, *self.args) if self.folder and arg.endswith(".py")
        ]
        fetched = [fetch.watched for fetch in self.fetches if fetch.watched]
        return [*fetched, *(mount.folder for mount in self.mounts), *scripts]

    def folders(self, private: Path) -> dict[str, Path]:
        """Return which folder stands for each mount path, longest path first."""
        own = private / self.role
        both = {fetch.mount_path: own / f"mount-{i}" for i, fetch in enumerate(self.fetches)}
        both |= {files.mount_path: own / f"files-{i}" for i, files in enumerate(self.files)}
        both |= {mount.mount_path: mount.folder for mount in self.mounts}
        return dict(sorted(both.items(), key=lambda item: -len(item[0])))

    def command(self, private: Path, place: Place, log_format: str) -> list[str]:
        """Return the command line with this machine's folders and ports."""
        folders = self.folders(private)
        here = [f"--http_port={place.http_port}", f"--grpc_port={place.grpc_port}"]
        if self.server:
            here += [f"--host={LOOPBACK}", f"--log_format={log_format}"]
        elif self.role != "predictor":
            here += [f"--predictor_host={place.predictor}"]
        return [*(moved(part, folders) for part in (*self.program, *without(self.args, PLACED_HERE))), *here]

    def environment(self, private: Path, place: Place, log_format: str) -> dict[str, str]:
        """Return the container's variables with this machine's folders, and what this machine has to say."""
        folders = self.folders(private)
        env = {name: moved(value, folders) for name, value in self.env}
        explainer = {EXPLAINER_HOST: place.explainer} if place.explainer else {}
        return {**env, HOST: LOOPBACK, LOG_FORMAT: log_format, **explainer}


def without(args: Iterable[str], flags: tuple[str, ...]) -> Iterable[str]:
    """Yield the arguments except these flags, written `--flag=value` or `--flag value`."""
    rest = iter([str(arg) for arg in args])
    for arg in rest:
        name, equals, _ = arg.removeprefix("--").partition("=")
        if arg.startswith("--") and name.replace("-", "_") in flags:
            if not equals:
                next(rest, None)
            continue
        yield arg


def protocol_of(args: Iterable[str]) -> str:
    """Return what --predictor_protocol says."""
    items = list(args)
    for i, arg in enumerate(items):
        name, equals, value = arg.removeprefix("--").partition("=")
        if arg.startswith("--") and name.replace("-", "_") == "predictor_protocol":
            return value if equals else (items[i + 1] if i + 1 < len(items) else "")
    return "v1"


def moved(text: str, folders: Mapping[str, Path]) -> str:
    """Replace mount paths (`/mnt/models`, not `/mnt/models-old`) by the folders that stand for them."""
    for mount_path, folder in folders.items():
        before, found, after = text.partition(mount_path)
        if found and (not after or after[0] in "/:, ") and (not before or before[-1] in "=:, "):
            return f"{before}{folder}{after}"
    return text
