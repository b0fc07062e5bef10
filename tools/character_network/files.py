"""The files of the network: where they are, how they are written, and what the page takes from model.json."""

import json
import os

from tools.book import BOOK

FOLDER = BOOK / "_static" / "character-network"
CLEAR = 0.8  # of the balanced accuracy


def write(path, content):
    """Write bytes beside a file, and then put them in its place."""
    beside = path.with_name(path.name + ".beside")
    beside.write_bytes(content)
    os.replace(beside, path)


def write_json(about):
    write(FOLDER / "model.json", (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode())


def clear(units):
    """Return those of the `tools.character_network.measure.units_found` that are worth a button."""
    return [unit for unit in units if unit["balanced_accuracy"] > CLEAR]
