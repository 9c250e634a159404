"""Metrics over HTTP, for Prometheus to fetch."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from isomorph.errors import InputError, IsomorphError

_SECONDS = 10.0
_SECONDS_OF_A_CLIENT = 10.0
_PATH = "/metrics"
_ADDRESS = re.compile(r"(?:(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):)?(?P<port>[0-9]{1,5})")


class MetricsServer(ThreadingHTTPServer):
    """Answers `GET /metrics`, and nothing else, with a text that is made again when it is asked for and is ten seconds old.

    An error of Isomorph's is status 503 with its message: the next request asks again.

    Args:
        address: `ADDRESS:PORT`, or a port of 127.0.0.1; 0 takes a free one.
        make: Gives the text.

    Attributes:
        url: Where it answers.

    Raises:
        InputError: It is no such address, or it cannot be had.
    """

    daemon_threads = True

    def __init__(self, address: str, make: Callable[[], str]) -> None:
        match = _ADDRESS.fullmatch(address)
        if not match or int(match["port"]) > 65535:
            raise InputError(
                f"--listen takes a port, or an address and a port such as 127.0.0.1:9400 or [::1]:9400; got {address!r:.80}. To be reached "
                "from other machines, give the address in full: 0.0.0.0:9400 is all there are."
            )
        host = (match["host"] or "127.0.0.1").strip("[]")
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._make, self._lock = make, threading.Lock()
        self._said: tuple[float, int, str] | None = None
        try:
            super().__init__((host, int(match["port"])), _Answer)
        except OSError as error:
            raise InputError(
                f"nothing can listen at {address}: {error.strerror or error}. Give --listen another port or address."
            ) from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.server_address[1]}{_PATH}"

    def server_bind(self) -> None:
        """Take the address; the name that the net has for it is not asked for."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "isomorph", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def said(self) -> tuple[int, str]:
        """Status and text."""
        with self._lock:
            if self._said is None or time.monotonic() - self._said[0] >= _SECONDS:
                try:
                    status, text = 200, self._make()
                except IsomorphError as error:
                    status, text = 503, f"{error}\n"
                self._said = time.monotonic(), status, text
            return self._said[1:]


class _Answer(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = _SECONDS_OF_A_CLIENT

    def do_GET(self) -> None:
        status, text = self.server.said() if self.path.partition("?")[0] == _PATH else (404, f"there is only {_PATH}\n")
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "isomorph"

    def log_message(self, format: str, *words: Any) -> None:
        """Nobody reads a line a request."""
