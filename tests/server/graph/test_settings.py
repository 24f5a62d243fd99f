"""The router's flags: read at once when they are plain, and by argparse when they are not."""

import pytest

from kserve_lite_server.graph import flags
from kserve_lite_server.graph.settings import Settings, read_settings

EVERY = [f"--{name}={value}" for name, value in Settings("graph.json")._asdict().items()]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--graph=/etc/graph.json", "--http_port=8080"], id="as-a-pod"),
        pytest.param(["--graph", "g", "--host", "127.0.0.1", "--http-port", "0"], id="words-apart"),
        pytest.param(["--graph=g", "--drain_timeout", "2.5", "--drain-timeout=7"], id="the-last-one-counts"),
        pytest.param(["--graph=g=h", "--log_level=DEBUG", "--log-format", "text"], id="choices"),
        pytest.param(["--graph="], id="empty"),
        pytest.param(EVERY, id="every-flag"),
    ],
)
def test_plain_flags_mean_what_argparse_makes_of_them(arguments: list[str]) -> None:
    assert read_settings(arguments) == flags.parse(arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "--graph", id="no-graph"),
        pytest.param(["--graph=g", "--http_port=many"], "http_port/--http-port: invalid int value", id="no-number"),
        pytest.param(["--graph=g", "--http_port"], "expected one argument", id="no-value"),
        pytest.param(["--graph", "--host", "h"], "expected one argument", id="a-flag-as-value"),
        pytest.param(["--graph=g", "--log_level=LOUD"], "invalid choice", id="no-choice"),
        pytest.param(["--graph=g", "--max-in_flight=3"], "unrecognized arguments", id="half-a-spelling"),
        pytest.param(["--graph=g", "more"], "unrecognized arguments: more", id="more-words"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_flag_is_named(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(arguments)

    assert ended.value.code == 2
    assert says in capsys.readouterr().err
