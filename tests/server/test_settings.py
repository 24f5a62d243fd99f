"""The command line: KServe's flags and environment, and what is wrong with it said at once."""

import pytest

from kserve_lite_server.settings import TRANSFORMER_FLAGS, read_settings


@pytest.mark.parametrize(
    ("flag", "nearest"),
    [
        ("--http_prot=1", "--http_port"),
        ("--model-nam", "--model_name"),
        ("--worker=2", "--workers"),
        ("--enable_doc_url=true", "--enable_docs_url"),
        ("--request_timeouts=3", "--request_timeout"),
    ],
)
def test_an_unknown_flag_is_refused_with_the_nearest_one(
    flag: str, nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings([flag], {})

    assert end.value.code == 2
    assert f"unknown flag {flag.split('=')[0]}; did you mean {nearest}?" in capsys.readouterr().err


def test_a_flag_that_is_like_no_other_points_to_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--xyzzy"], {})

    assert "unknown flag --xyzzy; see --help" in capsys.readouterr().err


def test_kserves_flags_are_taken_in_either_spelling() -> None:
    flags = [
        "--model_name=a",
        "--model-dir",
        "/m",
        "--http-port=1",
        "--grpc_port=2",
        "--workers=2",
        "--enable_grpc=no",
    ]
    more = [
        "--enable_docs_url=true",
        "--max_asyncio_workers=3",
        "--timeout_keep_alive=5",
        "--enable_latency_logging=off",
    ]
    settings = read_settings([*flags, *more], {})

    assert (settings.model_name, str(settings.model_dir), settings.http_port) == ("a", "/m", 1)
    assert (settings.grpc_port, settings.workers, settings.enable_grpc) == (2, 2, False)
    assert (settings.enable_docs_url, settings.threads, settings.keep_alive_timeout) == (True, 3, 5)


@pytest.mark.parametrize("flag", TRANSFORMER_FLAGS)
def test_a_transformers_flag_is_said_to_have_no_effect(flag: str) -> None:
    assert any(flag in note for note in read_settings([f"--{flag}=x"], {}).notes)


def test_the_flag_for_grpcs_threads_is_said_to_have_no_effect() -> None:
    assert any("--max_threads" in note for note in read_settings(["--max_threads=4"], {}).notes)
    assert not read_settings([], {}).notes


def test_kserves_environment_is_read() -> None:
    settings = read_settings(
        [], {"PREDICT_PROBA": "true", "KSERVE_LOGLEVEL": "debug", "CE_SOURCE": "s", "CE_MERGE": "true"}
    )

    assert (settings.method, settings.log_level) == ("predict_proba", "DEBUG")
    assert (settings.reply_events.source, settings.reply_events.merge) == ("s", True)


@pytest.mark.parametrize(
    "flag",
    [
        "--http_port=70000",
        "--workers=0",
        "--workers=two",
        "--enable_grpc=maybe",
        "--request_timeout=-1",
        "--request_timeout=nan",
        "--max_request_bytes=0",
        "--version_policy=loose",
        "--nan=text",
        "--log_level=LOUD",
    ],
)
def test_a_wrong_value_is_refused_with_its_flag(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings([flag], {})

    assert end.value.code == 2
    assert flag.split("=")[0].strip("-") in capsys.readouterr().err
