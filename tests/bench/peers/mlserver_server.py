"""A scikit-learn model behind MLServer in one process: its sklearn runtime, its logs as it ships."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path


def settings(port: int, name: str, model_dir: Path) -> str:
    """Write the two files that MLServer reads, and return their folder."""
    folder = Path(tempfile.mkdtemp(prefix="mlserver-"))
    server = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 0}
    model = {
        "name": name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(model_dir / "model.joblib")},
    }
    (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", **server}))
    (folder / "model-settings.json").write_text(json.dumps(model))
    return str(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_name", required=True)
    parser.add_argument("--model_dir", type=Path, required=True)
    parser.add_argument("--http_port", type=int, required=True)
    args = parser.parse_args()
    program = Path(sys.executable).with_name("mlserver")
    os.execv(program, [str(program), "start", settings(args.http_port, args.model_name, args.model_dir)])
