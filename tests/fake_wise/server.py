"""HTTP/1.1 on 127.0.0.1, one thread for each connection."""

import socket
import sys
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fake_wise.answers import Answer

HOST = "127.0.0.1"
POLL_SECONDS = 0.01
CORRELATION = "X-External-Correlation-Id"
Respond = Callable[[str, str, dict[str, str], dict[str, str], bytes], Answer | None]


class Server(ThreadingMixIn, TCPServer):
    """Serves ``respond`` until it is stopped."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, respond: Respond) -> None:
        self.respond = respond
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((HOST, port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that it can be closed at the end."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to report; any other error is a bug of the fake and is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening and close every connection."""
        self.shutdown()
        self.server_close()
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """Reads a request, hands it over, writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def serve(self) -> None:
        """Answer one request, whatever its method."""
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        answer = self.server.respond(self.command, url.path, query, headers, body)
        if answer is None:
            self.close_connection = True
            return
        self._write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def _write(self, answer: Answer) -> None:
        content = answer.content()
        headers = {"Content-Type": "application/json", "x-trace-id": uuid.uuid4().hex, **answer.headers}
        if CORRELATION in self.headers:
            headers[CORRELATION] = self.headers[CORRELATION]
        headers.setdefault("Content-Length", str(len(content)))
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers_in(content[: len(content) // 2] if answer.cut else content)
        self.close_connection = self.close_connection or answer.cut

    def end_headers_in(self, content: bytes) -> None:
        """End the headers and send them together with the content."""
        self._headers_buffer.append(b"\r\n" + content)  # type: ignore[attr-defined]
        self.flush_headers()
