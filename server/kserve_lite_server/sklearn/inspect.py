"""What a pickle says about itself, read without running it: versions, and the modules that it would import.

The stream is unpickled with every class and function replaced by an inert stand-in; nothing of the file is executed.
"""

import _compat_pickle
import bz2
import gzip
import lzma
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
from joblib.compressor import BinaryZlibFile

from kserve_lite_server.errors import ServeError

VERSION = "_sklearn_version"
# The one that is written in Python: its steps can be watched.
_PythonUnpickler: Any = pickle._Unpickler
ARRAY_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")


@dataclass(slots=True)
class Contents:
    """What was found in a file."""

    modules: set[str] = field(default_factory=set)
    sklearn_versions: set[str] = field(default_factory=set)

    @property
    def packages(self) -> set[str]:
        """Top-level packages that loading imports."""
        return {module.partition(".")[0] for module in self.modules}


def inspect_pickle(path: Path) -> Contents:
    """Read a pickle or joblib file, compressed or not. Raises `ServeError` when it is none, or cut short."""
    contents = Contents()
    try:
        with _opened(path) as file:
            _Reader(file, contents).load()
    except Exception as error:  # a broken stream fails in any way it likes
        raise ServeError(
            "model_file_unreadable",
            f"{path} cannot be loaded: it is not a whole pickle or joblib file ({type(error).__name__}: {error}); "
            "save the model again with joblib.dump",
        ) from None
    return contents


def _opened(path: Path) -> Any:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(path)
    if magic.startswith(b"BZh"):
        return bz2.open(path)
    if magic.startswith((b"\xfd7zXZ\x00", b"]\x00")):
        return lzma.open(path)
    if magic[:1] == b"\x78":
        return BinaryZlibFile(str(path))
    return path.open("rb")


class _StandIn:
    """Takes everything that an unpickler does to an object, and does nothing."""

    origin = ("", "")

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        # A class that the pickle builds itself is a stand-in's instance here.
        return object.__new__(cls if isinstance(cls, type) else _StandIn)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return _StandIn()

    def __setitem__(self, key: Any, value: Any) -> None:
        return

    def append(self, item: Any) -> None:
        """As a list does."""

    def extend(self, items: Any) -> None:
        """As a list does."""

    def add(self, item: Any) -> None:
        """As a set does."""


class _Reader(_PythonUnpickler):  # type: ignore[misc]
    dispatch: ClassVar = dict(_PythonUnpickler.dispatch)

    def __init__(self, file: IO[bytes], contents: Contents) -> None:
        super().__init__(file)
        self._source = file
        self._contents = contents

    def find_class(self, module: str, name: str) -> Any:
        """Never the real thing, but for NumPy's dtype, which says how long an array is."""
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if self.proto < 3:
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)  # Python 2's name for it
        self._contents.modules.add(module)
        return type(name, (_StandIn,), {"origin": (module, name)})

    def persistent_load(self, pid: Any) -> Any:
        """A reference to something outside of the file."""
        return _StandIn()

    def load_build(self) -> None:
        """Give an object its state; skip the array that joblib writes behind the pickle of its wrapper."""
        state, instance = self.stack[-1], self.stack[-2]
        if isinstance(state, dict) and isinstance(version := state.get(VERSION), str):
            self._contents.sklearn_versions.add(version)
        super().load_build()
        if isinstance(instance, _StandIn) and instance.origin == ARRAY_WRAPPER:
            self._skip_array(instance.state)

    dispatch[pickle.BUILD[0]] = load_build

    def _skip_array(self, wrapper: dict[str, Any]) -> None:
        dtype: np.dtype = wrapper["dtype"]
        if dtype.hasobject:
            _Reader(self._source, self._contents).load()
            return
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            self._skip(self._source.read(1)[0])
        self._skip(int(np.prod(wrapper["shape"], dtype=np.int64)) * dtype.itemsize)

    def _skip(self, count: int) -> None:
        while count > 0:
            part = len(self._source.read(min(count, 1 << 20)))
            if not part:
                raise EOFError("the file ends within an array")
            count -= part
