"""Put the site of each open pull request beside the book, at _build/html/preview/NUMBER. For publish.yml.

Anybody may have made such a site, and whatever else is in the artifact. So its number and its commit come from GitHub,
not from the artifact; only its files are copied, no links; and one that is too large is left out.
"""

import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

FOLDER = Path("_build", "html", "preview")
MOST = 8  # the newest pull requests; GitHub Pages takes 1 GB in all
LARGEST = 100_000_000  # bytes of one preview


def main():
    published = []
    for pull_request in gh("pr", "list", "--limit", str(MOST), "--json", "number,headRefOid"):
        number, commit = pull_request["number"], pull_request["headRefOid"]
        try:
            if site := site_of(commit):
                unpack(site, FOLDER / str(number))
                published.append(f"{number}:{commit}")
        except Exception as error:  # whatever somebody has packed: the other previews are still wanted
            print(f"The preview of pull request {number} is left out: {error}")
    print("Previews:", *published)
    with open(os.environ["GITHUB_OUTPUT"], "a") as outputs:
        print("previews=", " ".join(published), sep="", file=outputs)


def site_of(commit):
    """Return the newest artifact that preview.yml made of ``commit``, zipped, or None if there is none (any more)."""
    which = ["--workflow", "preview.yml", "--event", "pull_request", "--status", "success", "--commit", commit]
    for run in gh("run", "list", *which, "--limit", "1", "--json", "databaseId"):
        for artifact in gh("api", f"{actions()}/runs/{run['databaseId']}/artifacts")["artifacts"]:
            if artifact["name"] == "site" and not artifact["expired"]:
                if artifact["size_in_bytes"] > LARGEST:
                    raise ValueError(f"it has {artifact['size_in_bytes']:,} bytes")
                return run_gh("api", f"{actions()}/artifacts/{artifact['id']}/zip")
    return None


def unpack(site, folder):
    """Unpack the zipped ``site``. zipfile writes neither links nor anything outside of ``folder``."""
    with zipfile.ZipFile(io.BytesIO(site)) as packed:
        if (size := sum(file.file_size for file in packed.infolist())) > LARGEST:
            raise ValueError(f"it has {size:,} bytes when it is unpacked")
        packed.extractall(folder)


def actions():
    return f"repos/{os.environ['GITHUB_REPOSITORY']}/actions"


def gh(*arguments):
    """Return what GitHub's command prints, as data."""
    return json.loads(run_gh(*arguments))


def run_gh(*arguments):
    return subprocess.run(["gh", *arguments], stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    main()
