"""A fetch that is killed, and started again."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.ranges import Ranges
from kserve_lite_server.storage.settings import MIB, Settings
from kserve_lite_server.storage.stage import FOLDER, locked
from tests.storage.faults import Faults, serving
from tests.storage.support import contents

pytestmark = pytest.mark.slow

CONTENT = random.Random(10).randbytes(24 * MIB)
POINTS = [round(random.Random(n).uniform(0.05, 0.98), 2) for n in range(10)]


def start(uri: str, dest: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.Popen(
        [sys.executable, "-m", "kserve_lite_server.storage", uri, str(dest)],
        env={**environment, "STORAGE_CONNECTIONS": "4"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def journalled(dest: Path) -> int:
    """Return how many bytes the journal of an interrupted fetch counts as there."""
    try:
        lines = (dest / FOLDER / "journal").read_text().splitlines()[1:]
    except FileNotFoundError:
        return 0
    done = Ranges()
    for line in lines:
        try:
            _, _, begin, end = json.loads(line)
        except ValueError:
            continue
        done.add(begin, end)
    return done.total


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_fetch_goes_on_where_it_was(point: float, dest: Path) -> None:
    with serving(Faults(content=CONTENT)) as web:
        first = start(f"{web.address}/model.joblib", dest)

        def kill_at_point(total: int) -> None:
            if total >= point * len(CONTENT) and first.poll() is None:
                web.delay = 10.0  # what is missing now never comes
                first.send_signal(signal.SIGKILL)

        web.sent = kill_at_point
        first.communicate(timeout=60)
        assert first.returncode == -signal.SIGKILL
        assert contents(dest) == {}
        complete = journalled(dest)

        web.sent, web.delay = (lambda total: None), 0.0
        before = web.served["bytes"]
        second = start(f"{web.address}/model.joblib", dest)
        out, _ = second.communicate(timeout=60)
        again = web.served["bytes"] - before

    assert second.returncode == 0, out
    assert contents(dest) == {"model.joblib": CONTENT}
    assert again - 1 <= len(CONTENT) - complete + 0.2 * complete  # 1: the byte that tells size and version
    assert not (dest / FOLDER).exists()


def test_what_was_received_is_mostly_journalled(dest: Path) -> None:
    with serving(Faults(content=CONTENT, cut_after=20 * MIB)) as web:
        quick = Settings(connections=1, retries=0)
        with pytest.raises(StorageError):
            fetch(f"{web.address}/model.joblib", dest, settings=quick)

        assert journalled(dest) >= 16 * MIB


def test_a_new_version_at_the_source_is_fetched_from_the_beginning(dest: Path) -> None:
    with serving(Faults(content=CONTENT, cut_after=20 * MIB)) as web:
        with pytest.raises(StorageError):
            fetch(f"{web.address}/model.joblib", dest, settings=Settings(retries=0))

        web.cut_after, web.etag, web.content = None, '"v2"', CONTENT[::-1]
        fetch(f"{web.address}/model.joblib", dest)

    assert contents(dest) == {"model.joblib": CONTENT[::-1]}


def test_a_journal_of_another_start_of_the_machine_is_not_believed(dest: Path) -> None:
    with serving(Faults(content=CONTENT, cut_after=20 * MIB)) as web:
        with pytest.raises(StorageError):
            fetch(f"{web.address}/model.joblib", dest, settings=Settings(retries=0))
        journal = dest / FOLDER / "journal"
        header, *lines = journal.read_text().splitlines()
        journal.write_text("\n".join([json.dumps({**json.loads(header), "boot": "another"}), *lines]))
        (dest / FOLDER / "files" / "model.joblib").write_bytes(
            bytes(len(CONTENT))
        )  # pages that were never written

        web.cut_after = None
        fetch(f"{web.address}/model.joblib", dest)

    assert contents(dest) == {"model.joblib": CONTENT}


def test_a_termination_signal_ends_it_and_keeps_what_is_there(dest: Path) -> None:
    with serving(Faults(content=CONTENT)) as web:
        process = start(f"{web.address}/model.joblib", dest)

        def stop_half_way(total: int) -> None:
            if total >= len(CONTENT) // 2 and process.poll() is None:
                web.delay = 0.5
                process.send_signal(signal.SIGTERM)

        web.sent = stop_half_way
        process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM
    assert contents(dest) == {}


def test_two_fetches_into_one_folder_do_not_mix(dest: Path, model: Path) -> None:
    with locked(dest), pytest.raises(StorageError) as failure:
        fetch(str(model), dest)

    assert failure.value.code == "destination_busy"
