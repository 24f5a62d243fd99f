"""What the host lacks is named by package, and installed only where that can be done."""

from pathlib import Path

import pytest

from tools import debian
from tools.errors import ToolError

MISSING = {"gcc": "gcc libc6-dev", "runc": "runc", "unshare": "util-linux", "nsenter": "util-linux"}


def test_one_line_installs_each_package_once() -> None:
    assert debian.apt_line(MISSING) == "apt-get install --no-install-recommends gcc libc6-dev runc util-linux"


def test_only_commands_that_are_not_found_are_lacking() -> None:
    assert debian.lacking(MISSING, {"gcc": "/usr/bin/gcc"}.get).keys() == {"runc", "unshare", "nsenter"}


@pytest.mark.parametrize(
    ("user", "release"),
    [
        pytest.param(1000, "/etc/debian_version", id="not root"),
        pytest.param(0, "/no/such/file", id="another distribution"),
    ],
)
def test_where_it_cannot_install_it_says_what_to_type(user: int, release: str) -> None:
    with pytest.raises(ToolError, match="there is no gcc") as refusal:
        debian.install(MISSING, user=user, release=Path(release))

    assert debian.apt_line(MISSING) in str(refusal.value)


def test_a_machine_that_lacks_nothing_is_left_alone() -> None:
    debian.install({}, user=1000)
