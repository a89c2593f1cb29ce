"""A hub on this machine: speaks as much of Hugging Face's HTTP as a download needs, and misbehaves
on request.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGE = 4096  # bytes; files from here on are stored with a sha256, as the hub does with Git LFS
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """repositories: "owner/name" -> path -> bytes. served: (path, first byte, bytes sent)."""

    repositories: dict[str, dict[str, bytes]]
    licence: str = "creativeml-openrail-m"
    drop_after: int | None = None  # bytes of a body, then the line goes dead
    then_refuse: bool = False  # after a drop every request gets 503
    ignore_ranges: bool = False
    corrupt: str = ""  # the path whose last byte arrives wrong
    append: bytes = b""  # comes after every file
    html: bool = False  # answers every question with a login page
    refuse: tuple[int, str] | None = None  # status and X-Error-Code for everything
    pause: threading.Event | None = None  # bodies stop half way until it is set
    served: list[tuple[str, int, int]] = field(default_factory=list)
    endpoint: str = ""

    def __enter__(self) -> Hub:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        if self.pause is not None:
            self.pause.set()
        self._server.shutdown()
        self._server.server_close()

    def sent(self, path: str) -> int:
        """Bytes of `path` that went over the line in all."""
        return sum(count for name, _, count in self.served if name == path)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        if self.hub.refuse is not None:
            status, code = self.hub.refuse
            self._send(status, b"{}", {"X-Error-Code": code})
        elif self.hub.html:
            self._send(200, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"})
        elif api := re.fullmatch(r"/api/models/([^/]+/[^/]+)", path):
            self._describe(api[1])
        elif file := re.fullmatch(rf"/([^/]+/[^/]+)/resolve/{COMMIT}/(.+)", path):
            self._redirect(file[1], file[2])
        elif blob := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            self._serve(self.hub.repositories[blob[1]][blob[2]], blob[2], body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _describe(self, repository: str) -> None:
        files = self.hub.repositories.get(repository)
        if files is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        answer = {
            "id": repository,
            "sha": COMMIT,
            "cardData": {"license": self.hub.licence},
            "siblings": [_sibling(name, content) for name, content in files.items()],
        }
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _redirect(self, repository: str, name: str) -> None:
        """As the hub does: the bytes of a file lie elsewhere."""
        if name not in self.hub.repositories.get(repository, {}):
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            return
        self._send(302, b"", {"Location": f"/cdn/{repository}/{name}", "X-Repo-Commit": COMMIT})

    def _serve(self, content: bytes, name: str, body: bool) -> None:
        start = 0
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match and not self.hub.ignore_ranges:
            start = int(match[1])
        if name == self.hub.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        content += self.hub.append
        part = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(part)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if body:
            self._write(name, start, part)

    def _write(self, name: str, start: int, part: bytes) -> None:
        hub = self.hub
        if hub.pause is not None and len(part) > LARGE:
            half = len(part) // 2
            self.wfile.write(part[:half])
            self.wfile.flush()
            hub.pause.wait(60)
            part = part[:half]
            self.close_connection = True
        elif hub.drop_after is not None and hub.drop_after < len(part):
            part = part[: hub.drop_after]
            self.wfile.write(part)
            self.close_connection = True
            if hub.then_refuse:
                hub.refuse = (503, "")
        else:
            self.wfile.write(part)
        hub.served.append((name, start, len(part)))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    described: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob}
    if len(content) >= LARGE:
        sha256 = hashlib.sha256(content).hexdigest()
        described["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 130}
    return described
