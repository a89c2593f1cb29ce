"""The daemon's life: one for one home, on a port of its own, until nobody needs it.

`serve` puts all parts together. The main thread waits for the end; a thread
accepts, one thread a client reads, one writes, one hands out jobs, one watches
the worker, one the list of models.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble import store
from scumble.archive import Archive
from scumble.connection import Connection
from scumble.instance import InstanceLock
from scumble.journal import Journal
from scumble.link import home as places
from scumble.link.auth import new_token
from scumble.link.encoding import to_wire
from scumble.link.errors import bad_request
from scumble.link.home import Home, find_home
from scumble.link.protocol import HANDSHAKE_SLOTS, PROTOCOL
from scumble.link.values import Capabilities
from scumble.routes import Caller, Routes
from scumble.service import Service
from scumble.store import Store
from scumble.supervisor import PATIENCE, Patience, Supervisor

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
LEAVE_SECONDS = 30 * 60.0  # without clients and jobs
MODELS_SECONDS = 1.0  # between two looks at the list of models
MAX_LOG = 4 * 1024 * 1024  # bytes; then the log of before is kept as daemon.log.1


@dataclass(frozen=True)
class Options:
    """How a daemon behaves. quota: bytes of the store; leave: idle seconds until it ends."""

    quota: int = store.DEFAULT_QUOTA
    leave: float = LEAVE_SECONDS
    patience: Patience = PATIENCE


def options_from(environ: Mapping[str, str]) -> Options:
    """$SCUMBLE_HISTORY_GB: what requests and pictures may take of the disk, in gigabytes.

    Raises ScumbleError (bad_request) for what is no positive number.
    """
    given = environ.get("SCUMBLE_HISTORY_GB", "").strip()
    if not given:
        return Options()
    with contextlib.suppress(ValueError, OverflowError):
        quota = int(float(given) * 1024**3)
        if quota > 0:
            return Options(quota=quota)
    raise bad_request(
        f"SCUMBLE_HISTORY_GB is {given!r}.", "It has to be a number of gigabytes, such as 4."
    )


def serve(
    home: Home, engine_command: Sequence[str] | None = None, options: Options | None = None
) -> int:
    """Be the daemon of `home` until told to leave or idle; the process's exit status.

    engine_command: starts the worker (None: `python -m scumble.worker`).
    options None: as the environment says. When another daemon has the home
    this returns 0 at once. Raises ScumbleError (version_mismatch, disk_full,
    bad_request, internal) when it cannot start.
    """
    options = options or options_from(os.environ)
    home.create()
    start_log(home.log_file)
    lock = InstanceLock(home.lock_file)
    if not lock.acquire():
        log.info("another daemon is there already")
        return 0
    try:
        daemon = Daemon(home, engine_command or worker_command(), options)
        for number in (signal.SIGTERM, signal.SIGINT):
            if threading.current_thread() is threading.main_thread():
                signal.signal(number, lambda *_: daemon.stop())
        daemon.run()
    finally:
        lock.release()
    return 0


class Daemon:
    """All parts of one running daemon."""

    def __init__(self, home: Home, engine_command: Sequence[str], options: Options) -> None:
        self._home = home
        self._options = options
        self._token = new_token()
        self._boot_id = secrets.token_hex(8)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self._slots = threading.BoundedSemaphore(HANDSHAKE_SLOTS)
        self._journal = Journal(home.journal_file)
        if self._journal.broken:
            _move_aside(home.store_dir, self._journal.broken)
        archive = Archive(self._journal, Store(home.store_dir, options.quota))
        environ = {**os.environ, "SCUMBLE_HOME": str(home.path), "PYTHONFAULTHANDLER": "1"}
        self._supervisor = Supervisor(engine_command, environ, home.log_file, options.patience)
        self._service = Service(archive, self._supervisor, self._publish, offer(home))
        self._routes = Routes(
            self._service, self._boot_id, self._count_clients, self._asked_by_others
        )

    def run(self) -> None:
        """Serve until `stop`, a client's shutdown, or idleness."""
        with socket.create_server((HOST, 0), backlog=64) as listener:
            self._service.recover()
            watching = _start(self._supervisor.watch, self._service)
            _start(self._service.work)
            _start(self._watch_models, _stamp(self._home.models_file))
            _start(self._accept, listener)
            self._advertise(listener.getsockname()[1])
            try:
                self._wait()
            finally:
                self.stop()
                places.remove_connection(self._home, self._boot_id)
                listener.close()
                self._leave(watching)

    def stop(self) -> None:
        self._over.set()

    def _wait(self) -> None:
        busy = time.monotonic()
        while not self._over.wait(min(10.0, self._options.leave / 4)):
            now = time.monotonic()
            if self._count_clients() or self._service.waiting():
                busy = now
            elif now - busy >= self._options.leave:
                log.info("nobody needs the daemon; it leaves")
                return

    def _watch_models(self, seen: tuple[int, ...]) -> None:
        """Tell every editor when somebody has changed the list of models."""
        while not self._over.wait(MODELS_SECONDS):
            now = _stamp(self._home.models_file)
            if now != seen:
                seen = now
                self._publish(None, "capabilities", {}, ())

    def _leave(self, watching: threading.Thread) -> None:
        self._service.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close()
        self._supervisor.close()
        watching.join(10.0)
        self._journal.close()

    def _advertise(self, port: int) -> None:
        places.write_connection(
            self._home,
            places.Connection(HOST, port, self._token, os.getpid(), self._boot_id, PROTOCOL),
        )
        log.info("daemon %d listens on port %d", os.getpid(), port)

    def _accept(self, listener: socket.socket) -> None:
        while not self._over.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                if self._over.is_set() or listener.fileno() < 0:
                    return
                time.sleep(0.1)  # no descriptors left: others will close theirs
                continue
            if self._slots.acquire(blocking=False):
                _start(self._serve_client, sock)
            else:
                sock.close()

    def _serve_client(self, sock: socket.socket) -> None:
        connection = Connection(sock)
        last = False
        try:
            try:
                authenticated = connection.authenticate(self._token)
            finally:
                self._slots.release()
            last = authenticated and connection.serve(self._routes, self._add)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()
            self._hand_on(connection)
        if last:  # its answer has been sent
            self.stop()

    def _add(self, connection: Connection) -> None:
        with self._lock:
            self._connections.add(connection)

    def _count_clients(self) -> int:
        with self._lock:
            return len(self._connections)

    def _asked_by_others(self, caller: Caller) -> set[str]:
        """The jobs of the same editor's other connections, which paste what comes of them."""
        with self._lock:
            every = [
                connection.asked
                for connection in self._connections
                if connection.client_id == caller.client_id
            ]
        return set[str]().union(*every) - caller.asked

    def _publish(
        self, client_id: str | None, kind: str, fields: dict[str, Any], blobs: Sequence[bytes]
    ) -> None:
        with self._lock:
            connections = [
                connection
                for connection in self._connections
                if client_id is None or connection.client_id == client_id
            ]
        if kind == "result":  # who asked pastes it; the editor's other windows would offer it
            job_id = fields["result"]["job_id"]
            asked = [connection for connection in connections if job_id in connection.asked]
            connections = asked or connections
        for connection in connections:
            connection.publish(kind, fields, blobs)

    def _hand_on(self, gone: Connection) -> None:
        """What it asked for and has not pasted is the other windows' of its editor to offer."""
        if not gone.asked or self._over.is_set():
            return
        _, results = self._service.resume(gone.client_id)
        for result in results:
            if result.job_id in gone.asked:
                self._publish(gone.client_id, "result", {"result": to_wire(result)}, ())


def worker_command() -> list[str]:
    """What starts the worker with the daemon's own python, isolated where the daemon is."""
    return [sys.executable, *(["-I"] if sys.flags.isolated else []), "-m", "scumble.worker"]


def start_log(path: Path) -> None:
    """Log to `path`, and to the terminal where somebody looks on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(OSError):
        if path.stat().st_size > MAX_LOG:
            path.replace(path.with_name(path.name + ".1"))
    handlers: list[logging.Handler] = [logging.FileHandler(path, encoding="utf-8")]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s",
        handlers=handlers,
    )
    with contextlib.suppress(OSError):
        path.chmod(0o600)


def offer(home: Home) -> Callable[[], Capabilities]:
    """What says which models and samplers there are, as of now and without torch."""

    def fake() -> Capabilities:
        from scumble.engine import fake

        return fake.capabilities()

    def registered() -> Capabilities:
        # here, not above: the port is open before the models' files are looked at
        from scumble.engine.capabilities import capabilities
        from scumble.models.registry import Registry

        return capabilities(Registry(home).list())

    return fake if os.environ.get("SCUMBLE_ENGINE") == "fake" else registered


def _move_aside(folder: Path, mark: str) -> None:
    """Keep what belonged to a journal that cannot be read; somebody may still save it."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.{mark}"))


def _stamp(file: Path) -> tuple[int, ...]:
    """Another one whenever the file was replaced."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _start(target: Callable[..., object], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name=target.__name__, daemon=True)
    thread.start()
    return thread


if __name__ == "__main__":
    sys.exit(serve(find_home()))
