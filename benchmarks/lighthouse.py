"""What Lighthouse says of the built site: a page of each kind, as on a phone with a slow network.

    python -m benchmarks.lighthouse                       all kinds, the median of three runs each
    python -m benchmarks.lighthouse 04-bptt --runs 1      one page, once

It needs Chromium and the site (`make book`), serves it as GitHub Pages does, and prints scores from 0 to 100.
"""

import argparse
import json
import os
import statistics
import subprocess

from tools import browser
from tools.book import NODE, NODE_MODULES
from tools.serve import serving

LIGHTHOUSE = NODE_MODULES / "lighthouse" / "cli" / "index.js"
KINDS = {
    "the front page": "index",
    "a chapter": "05-gradients",
    "the chapter with the most formulas": "04-bptt",
    "a chapter with an animation": "02-unrolling",
    "a model in the page": "character-network",
    "a page of text": "how-to-use",
    "the reference": "api",
    "the glossary": "glossary",
    "tables": "notation",
    "pictures of measurements": "speed",
    "the status of the notebooks": "status",
    "the search": "search",
    "the index": "genindex",
}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lighthouse", description=__doc__.partition("\n")[0])
    parser.add_argument("page", nargs="*", default=list(KINDS.values()))
    parser.add_argument("--runs", type=int, default=3, help="of which the median is shown (default: 3)")
    options = parser.parse_args(arguments)
    with serving() as address:
        for n, page in enumerate(options.page):
            runs = [scores(f"{address}/{page}.html") for _ in range(options.runs)]
            if n == 0:
                print(f"| page | {' | '.join(runs[0])} |\n|---|{'---|' * len(runs[0])}")
            medians = [statistics.median(run[category] for run in runs) for category in runs[0]]
            print(f"| {page} | {' | '.join(f'{median:.0f}' for median in medians)} |", flush=True)


def scores(address, categories=()):
    """Return Lighthouse's scores of a page, from 0 to 100: {category: score}. Without ``categories``, of all."""
    flags = " ".join(["--headless", *browser.arguments()])
    command = [NODE, LIGHTHOUSE, address, "--quiet", "--output=json", f"--chrome-flags={flags}"]
    command += [f"--only-categories={','.join(categories)}"] if categories else []
    told = subprocess.run(
        command, env=os.environ | {"CHROME_PATH": browser.path()}, check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(told.stdout)["categories"]
    return {name: 100 * category["score"] for name, category in found.items()}


if __name__ == "__main__":
    main()
