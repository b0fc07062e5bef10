"""Serve the built site as GitHub Pages does: text compressed, and kept by browsers for ten minutes.

python -m tools.serve [PORT]
"""

import gzip
import os
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.book import SITE

COMPRESSED = {".html", ".css", ".js", ".mjs", ".json", ".svg", ".xml", ".wasm"}


class Handler(SimpleHTTPRequestHandler):
    """Answers from a folder."""

    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".wasm": "application/wasm"}

    def send_head(self):
        path = self.translate_path(self.path)
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        if not accepted or os.path.splitext(path)[1] not in COMPRESSED or not os.path.isfile(path):
            return super().send_head()
        content = gzip.compress(Path(path).read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
        return None

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def log_message(self, *arguments):
        """Say nothing of each request."""


@contextmanager
def serving(port=0):
    """Serve the site on this machine; yield its address. Port 0 takes any that is free."""
    if not (SITE / "index.html").exists():
        raise FileNotFoundError("There is no site yet: make book")
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(SITE)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    with serving(int(sys.argv[1]) if sys.argv[1:] else 8000) as address:
        print(f"Serving the book at {address}, until you press Ctrl-C")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
