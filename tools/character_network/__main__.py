"""Train, measure or draw the network; `tools.character_network` says how."""

import argparse
import sys

import tools.character_network
from tools.character_network.graph import export
from tools.character_network.measure import measure
from tools.character_network.picture import picture
from tools.character_network.train import load_model, train


def main(arguments=None):
    summary = tools.character_network.__doc__.partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tools.character_network", description=summary)
    parser.add_argument("do", choices=["train", "measure", "picture"])
    wanted = parser.parse_args(arguments).do
    if wanted == "train":
        train()
    if wanted != "picture":
        export(load_model())
        measure()
    picture()
    return 0


if __name__ == "__main__":
    sys.exit(main())
