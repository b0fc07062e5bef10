"""What the page of the character network runs on, as scripts.

    python -m tools.offline_runtime FOLDER

A page that was opened from disk may neither fetch nor import a file; it may load a script. So the parts of ONNX
Runtime Web and the network itself are written into scripts, compressed, and the same ones serve the site.
"""

import base64
import gzip
import json
import shutil
import sys
from pathlib import Path

from tools.book import NODE_MODULES
from tools.character_network.files import FOLDER, clear

RUNTIME = NODE_MODULES / "onnxruntime-web"
PARTS = {"module": "ort-wasm-simd-threaded.mjs", "wasm": "ort-wasm-simd-threaded.wasm"}
NOTICE = "/* ONNX Runtime Web {}. Copyright (c) Microsoft Corporation. MIT License. Gzip in base64: {} */\n"


def write_offline_runtime(target):
    """Write `ort.wasm.min.js`, `runtime.js` and `weights.js` into the folder ``target``.

    Nothing else is needed. `weights.js` is made of model.json and model.onnx in book/_static/character-network.

    Raises
    ------
    FileNotFoundError
        If the package onnxruntime-web is not installed in tools/node.
    """
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    dist = RUNTIME / "dist"
    shutil.copyfile(dist / "ort.wasm.min.js", target / "ort.wasm.min.js")
    version = json.loads((RUNTIME / "package.json").read_text(encoding="utf-8"))["version"]
    notice = NOTICE.format(version, ", ".join(PARTS.values()))
    runtime = {name: packed(dist / file) for name, file in PARTS.items()}
    write_script(target / "runtime.js", notice, "characterRuntime", runtime)
    about = json.loads((FOLDER / "model.json").read_text(encoding="utf-8"))
    model = {name: about[name] for name in ("alphabet", "units", "plain")}
    model |= {"found": clear(about["units_found"]), "onnx": packed(FOLDER / "model.onnx")}
    write_script(target / "weights.js", "", "characterWeights", model)


def packed(path):
    """Return a file's bytes, compressed, as text."""
    return base64.b64encode(gzip.compress(path.read_bytes(), 9, mtime=0)).decode()


def write_script(path, notice, name, value):
    path.write_text(f"{notice}explorables.{name} = {json.dumps(value)};\n", encoding="utf-8")


if __name__ == "__main__":
    write_offline_runtime(sys.argv[1])
