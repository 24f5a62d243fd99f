"""`kserve-lite-explainer`: explains a predictor by its answers, with no code of the user's own."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kserve_lite_server.errors import ServeError, StartError
from kserve_lite_server.explain.explainer import Permutation, Settings, SettingsError
from kserve_lite_server.sdk import flags
from kserve_lite_server.sdk.server import ModelServer


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve explanations until a signal ends it."""
    parser = argparse.ArgumentParser(prog="kserve-lite-explainer", parents=[flags.parser], allow_abbrev=False)
    parser.add_argument("--type", choices=["permutation"], default="permutation", help="how it explains")
    parser.add_argument(
        "--config", action="append", default=[], metavar="NAME=VALUE", help="samples, seed, max_rows"
    )
    parser.add_argument(
        "--background", type=Path, metavar="FOLDER", help="folder of background.csv, .json or .npy"
    )
    parsed, _ = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    try:
        if not parsed.predictor_host:
            raise SettingsError("--predictor_host says which predictor is explained; it is missing")
        settings = Settings.read(dict(one.partition("=")[::2] for one in parsed.config))
        explainer = Permutation(parsed.model_name, settings, parsed.background)
        server = ModelServer()
        explainer.load()
    except (ServeError, StartError) as error:
        sys.stderr.write(f"kserve-lite-server: error: {error} [{error.code}]\n")
        raise SystemExit(1) from None
    server.start([explainer])


if __name__ == "__main__":
    main()
