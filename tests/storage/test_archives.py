"""Archives that pack a model, and archives that attack."""

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import MIB, Settings
from tests.storage.support import contents, digest

FILES = {"model.joblib": bytes(range(256)) * 400, "sub/vocabulary.txt": b"word one\n"}
LIMITS = Settings(max_bytes=100 * MIB, max_files=50, max_ratio=100)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as package:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def plain_tar() -> bytes:
    return tar_of(*((tarfile.TarInfo(f"./{name}"), content) for name, content in FILES.items()))


def zip_of(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for info, content in members:
            package.writestr(info, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        pytest.param("model.zip", lambda: zip_of(*FILES.items()), id="zip"),
        pytest.param("model.tar", plain_tar, id="tar"),
        pytest.param("model.tar.gz", lambda: gzip.compress(plain_tar()), id="tar.gz"),
        pytest.param("model.tgz", lambda: gzip.compress(plain_tar()), id="tgz"),
        pytest.param("model.tar.bz2", lambda: bz2.compress(plain_tar()), id="tar.bz2"),
        pytest.param("model.tar.xz", lambda: lzma.compress(plain_tar()), id="tar.xz"),
        pytest.param("model.TAR.ZST", lambda: zstandard.compress(plain_tar()), id="tar.zst"),
        pytest.param(
            "parts.tar.xz",
            lambda: lzma.compress(plain_tar()[:5000]) + lzma.compress(plain_tar()[5000:]),
            id="two-streams",
        ),
    ],
)
def test_an_archive_is_unpacked_in_place_of_itself(
    name: str, packed: Callable[[], bytes], tmp_path: Path, dest: Path
) -> None:
    (tmp_path / name).write_bytes(packed())

    manifest = fetch(f"{tmp_path / name}?sha256={digest(packed())}", dest)

    assert contents(dest) == FILES
    assert {(file.path, file.sha256) for file in manifest.sources[0].files} == {
        (path, digest(content)) for path, content in FILES.items()
    }


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstandard.compress)],
)
def test_one_compressed_file_loses_its_suffix(
    suffix: str, compress: Callable[[bytes], bytes], tmp_path: Path, dest: Path
) -> None:
    (tmp_path / f"model.joblib{suffix}").write_bytes(compress(FILES["model.joblib"]))

    fetch(str(tmp_path / f"model.joblib{suffix}"), dest)

    assert contents(dest) == {"model.joblib": FILES["model.joblib"]}


def test_an_archive_among_other_files_stays_packed(tmp_path: Path, dest: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "data.zip").write_bytes(zip_of(*FILES.items()))
    (folder / "model.joblib").write_bytes(b"x")

    fetch(str(folder), dest)

    assert set(contents(dest)) == {"data.zip", "model.joblib"}


def test_an_unpacked_archive_is_not_unpacked_again(tmp_path: Path, dest: Path) -> None:
    (tmp_path / "model.zip").write_bytes(zip_of(*FILES.items()))
    fetch(str(tmp_path / "model.zip"), dest)
    before = (dest / "model.joblib").stat().st_ino

    fetch(str(tmp_path / "model.zip"), dest)

    assert (dest / "model.joblib").stat().st_ino == before


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def link_in_zip() -> bytes:
    info = zipfile.ZipInfo("model.joblib")
    info.external_attr = 0o120777 << 16
    return zip_of((info, b"/etc/passwd"))


def device_in_zip() -> bytes:
    info = zipfile.ZipInfo("model.joblib")
    info.external_attr = 0o020666 << 16
    return zip_of((info, b""))


def encrypted_zip() -> bytes:
    packed = bytearray(zip_of(("model.joblib", b"x" * 100)))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def overlapping_zip() -> bytes:
    """Many names for one member's bytes."""
    packed = zip_of(("a", os.urandom(4000)))
    start, end = packed.index(b"PK\x01\x02"), packed.rindex(b"PK\x05\x06")
    entry = packed[start:end]
    copies = b"".join(entry[:46] + bytes([98 + i]) + entry[47:] for i in range(20))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 20, 20, len(copies), start, 0)
    return packed[:start] + copies + tail


def lying_zip() -> bytes:
    """Declares 10 bytes and holds more."""
    packed = bytearray(zip_of(("model.joblib", b"x" * 100_000)))
    at = packed.index(b"PK\x01\x02")
    packed[at + 24 : at + 28] = struct.pack("<L", 10)
    return bytes(packed)


def sparse_tar() -> bytes:
    """A GNU sparse member of 1 TiB."""
    info = member("model.joblib", tarfile.GNUTYPE_SPARSE)
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = tarfile.itn(1 << 40, 12, tarfile.GNU_FORMAT)
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    return bytes(header) + bytes(1024)


def long_header_tar() -> bytes:
    """A name of 50 MiB."""
    return tar_of((member("././@LongLink", tarfile.GNUTYPE_LONGNAME), b"a" * 50 * MIB))


def xz_with_large_dictionary() -> bytes:
    """A stream that tells its reader to allocate 1.5 GiB."""
    packed = bytearray(lzma.compress(b"x" * 1000))
    at = packed.index(b"\x21\x01", 12)  # filter LZMA2, one byte of properties: the dictionary's size
    packed[at + 2] = 37
    header = packed[12 : 12 + (packed[12] + 1) * 4]
    crc = struct.pack("<L", zlib.crc32(bytes(header[:-4])))
    packed[12 + len(header) - 4 : 12 + len(header)] = crc
    return bytes(packed)


HOSTILE = [
    pytest.param("up.tar", lambda: tar_of((member("../evil"), b"x")), "unsafe_key", id="tar-up"),
    pytest.param("deep.tar", lambda: tar_of((member("a/../../evil"), b"x")), "unsafe_key", id="tar-deep-up"),
    pytest.param("root.tar", lambda: tar_of((member("/tmp/evil"), b"x")), "unsafe_key", id="tar-absolute"),
    pytest.param(
        "dir.tar", lambda: tar_of((member("../d", tarfile.DIRTYPE), b"")), "unsafe_key", id="tar-folder-up"
    ),
    pytest.param(
        "sym.tar",
        lambda: tar_of((member("m", tarfile.SYMTYPE, "/etc/passwd"), b"")),
        "unsafe_archive",
        id="tar-symlink",
    ),
    pytest.param(
        "through.tar",
        lambda: tar_of((member("d", tarfile.SYMTYPE, "/tmp"), b""), (member("d/evil"), b"x")),
        "unsafe_archive",
        id="tar-through-symlink",
    ),
    pytest.param(
        "hard.tar",
        lambda: tar_of((member("m", tarfile.LNKTYPE, "/etc/passwd"), b"")),
        "unsafe_archive",
        id="tar-hardlink",
    ),
    pytest.param(
        "chr.tar", lambda: tar_of((member("m", tarfile.CHRTYPE), b"")), "unsafe_archive", id="tar-device"
    ),
    pytest.param(
        "blk.tar", lambda: tar_of((member("m", tarfile.BLKTYPE), b"")), "unsafe_archive", id="tar-disk"
    ),
    pytest.param(
        "fifo.tar", lambda: tar_of((member("m", tarfile.FIFOTYPE), b"")), "unsafe_archive", id="tar-pipe"
    ),
    pytest.param("sparse.tar", sparse_tar, "unsafe_archive", id="tar-sparse"),
    pytest.param(
        "long.tar.gz", lambda: gzip.compress(long_header_tar()), "bad_archive", id="tar-endless-name"
    ),
    pytest.param(
        "twice.tar", lambda: tar_of((member("m"), b"1"), (member("m"), b"2")), "clashing_keys", id="tar-twice"
    ),
    pytest.param(
        "both.tar",
        lambda: tar_of((member("m"), b"1"), (member("m/x"), b"2")),
        "clashing_keys",
        id="tar-file-and-folder",
    ),
    pytest.param(
        "case.tar", lambda: tar_of((member("M"), b"1"), (member("m"), b"2")), "clashing_keys", id="tar-case"
    ),
    pytest.param(
        "many.tar", lambda: tar_of(*((member(f"f{i}"), b"") for i in range(60))), "too_large", id="tar-many"
    ),
    pytest.param(
        "folders.tar",
        lambda: tar_of(*((member(f"f{i}", tarfile.DIRTYPE), b"") for i in range(60))),
        "too_large",
        id="tar-many-folders",
    ),
    pytest.param(
        "bomb.tar.gz",
        lambda: gzip.compress(tar_of((member("m"), bytes(80 * MIB)))),
        "too_large",
        id="tar.gz-bomb",
    ),
    pytest.param("bomb.gz", lambda: gzip.compress(bytes(80 * MIB)), "too_large", id="gz-bomb"),
    pytest.param("bomb.bz2", lambda: bz2.compress(bytes(80 * MIB)), "too_large", id="bz2-bomb"),
    pytest.param("bomb.zst", lambda: zstandard.compress(bytes(80 * MIB)), "too_large", id="zst-bomb"),
    pytest.param("bomb.zip", lambda: zip_of(("m", bytes(80 * MIB))), "too_large", id="zip-bomb"),
    pytest.param("memory.xz", xz_with_large_dictionary, "bad_archive", id="xz-memory"),
    pytest.param("overlap.zip", overlapping_zip, "bad_archive", id="zip-overlap"),
    pytest.param("lying.zip", lying_zip, "bad_archive", id="zip-lying-size"),
    pytest.param("up.zip", lambda: zip_of(("../evil", b"x")), "unsafe_key", id="zip-up"),
    pytest.param("root.zip", lambda: zip_of(("/tmp/evil", b"x")), "unsafe_key", id="zip-absolute"),
    pytest.param("windows.zip", lambda: zip_of(("..\\evil", b"x")), "unsafe_key", id="zip-backslash"),
    pytest.param("link.zip", link_in_zip, "unsafe_archive", id="zip-symlink"),
    pytest.param("device.zip", device_in_zip, "unsafe_archive", id="zip-device"),
    pytest.param("secret.zip", encrypted_zip, "bad_archive", id="zip-encrypted"),
    pytest.param("short.tar.gz", lambda: gzip.compress(plain_tar())[:-200], "bad_archive", id="gz-truncated"),
    pytest.param(
        "short.tar.zst", lambda: zstandard.compress(plain_tar())[:-20], "bad_archive", id="zst-truncated"
    ),
    pytest.param("noise.zip", lambda: os.urandom(1000), "bad_archive", id="zip-noise"),
    pytest.param("noise.tar.gz", lambda: os.urandom(1000), "bad_archive", id="gz-noise"),
    pytest.param("noise.tar", lambda: os.urandom(10240), "bad_archive", id="tar-noise"),
    pytest.param("noise.tar.zst", lambda: os.urandom(1000), "bad_archive", id="zst-noise"),
    pytest.param("empty.tar", lambda: tar_of(), "bad_archive", id="tar-empty"),
]


@pytest.mark.parametrize(("name", "packed", "code"), HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(
    name: str, packed: Callable[[], bytes], code: str, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(packed())
    dest = tmp_path / "out" / "dest"

    with pytest.raises(StorageError) as failure:
        fetch(str(tmp_path / "in" / name), dest, settings=LIMITS)

    assert failure.value.code == code
    assert failure.value.remedy
    assert contents(tmp_path / "out") == {}
    assert not any("evil" in path.name for path in tmp_path.rglob("*"))
    assert sum(file.stat().st_size for file in dest.rglob("*") if file.is_file()) < 90 * MIB
