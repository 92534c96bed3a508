"""A host of files, by HTTPS, on this machine: what it answers, each test says."""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Host:
    """What it answers by path, and what it was asked: paths, and the range of each."""

    address: str
    certificates: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, path: str, *answers: Answer) -> str:
        """Answer so from now on, one after the other; the last stays. Gives the address."""
        left = list(answers)
        self.answers[path] = lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)
        return self.address + path


def send(status: int, data: bytes = b"", headers: Mapping[str, object] | None = None) -> Answer:
    """These headers, and this body."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, str(value))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def whole(data: bytes, most: int | None = None) -> Answer:
    """A file, from the byte on that is asked for; the connection is cut after ``most`` bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        part = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        told = {"Content-Length": len(data) - start, **part}
        send(206 if start else 200, data[start:][:most], told)(handler)

    return answer


def to(address: str) -> Answer:
    return send(302, headers={"Location": address})


@contextmanager
def host(folder: Path) -> Iterator[Host]:
    """Runs while the block does; whoever trusts ``certificates`` trusts it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("Range", "")))
            made.answers.get(self.path, send(404))(self)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # of clients that have seen enough

    with Server(("localhost", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        made = Host(f"https://localhost:{server.server_port}", folder / "authority.pem")
        with _running(server):
            yield made


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """One that hands on what it cannot read: its address, and the hosts that it was asked for."""
    asked: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            place = self.rfile.readline().decode().split()[1]
            while self.rfile.readline().strip():
                pass
            asked.append(place)
            name, _, port = place.partition(":")
            with socket.create_connection((name, int(port))) as other:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_hand_on, args=(other, self.connection), daemon=True)
                back.start()
                _hand_on(self.connection, other)
                back.join()

    with socketserver.ThreadingTCPServer(("localhost", 0), Handler) as server, _running(server):
        yield f"http://localhost:{server.server_address[1]}", asked


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(2**16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
