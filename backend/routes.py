"""Which request does what: from the protocol's messages to the service's methods and back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from scumble import __version__
from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ScumbleError, bad_request
from scumble.link.protocol import MAX_FRAME, MAX_HEADER, PROTOCOL
from scumble.link.values import GenerationRequest, Result
from scumble.link.wire import Frame
from scumble.service import Service

MAX_CLIENT_ID = 128  # characters
LIST_BYTES = MAX_HEADER // 2 - 2048  # of JSON; a reply holds two lists at most

T = TypeVar("T")
Answer = tuple[dict[str, Any], Sequence[bytes]]


class Caller(Protocol):
    """Who asks. asked: the jobs whose pictures this connection gets, not the editor's others."""

    client_id: str
    asked: set[str]


@dataclass(frozen=True)
class Hello:
    protocol: int
    client_id: str
    name: str = ""


@dataclass(frozen=True)
class Nothing:
    """A request without fields."""


@dataclass(frozen=True)
class Asked:
    """Submit and estimate."""

    request: GenerationRequest


@dataclass(frozen=True)
class OfJob:
    job_id: str


@dataclass(frozen=True)
class OfJobs:
    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class OfResult:
    job_id: str
    index: int


@dataclass(frozen=True)
class Listing:
    all: bool = False


class Routes:
    """The table of requests. `answer` raises ScumbleError for what cannot be answered."""

    def __init__(
        self,
        service: Service,
        boot_id: str,
        count_clients: Callable[[], int],
        asked_by_others: Callable[[Caller], set[str]],
    ) -> None:
        """asked_by_others: the jobs that belong to other connections of the caller's editor."""
        self._service = service
        self._boot_id = boot_id
        self._count_clients = count_clients
        self._asked_by_others = asked_by_others
        self._table: dict[str, Callable[[Caller, dict[str, Any], Sequence[bytes]], Answer]] = {
            "submit": self._submit,
            "cancel": self._cancel,
            "jobs": self._jobs,
            "resume": self._resume,
            "claim": self._claim,
            "results": self._results,
            "fetch": self._fetch,
            "acknowledge": self._acknowledge,
            "capabilities": self._capabilities,
            "estimate": self._estimate,
            "status": self._status,
            "shutdown": self._shutdown,
        }

    def hello(self, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The client's id and the reply to its first request."""
        if fields.get("protocol") != PROTOCOL:
            raise ScumbleError(
                ErrorCode.VERSION_MISMATCH,
                "The plugin and Scumble's backend are of different versions.",
                "Run “python3 installer update”, then start the editor again.",
            )
        hello = from_wire(Hello, fields, "hello")
        if not 0 < len(hello.client_id) <= MAX_CLIENT_ID:
            raise bad_request(f"A client's id has 1 to {MAX_CLIENT_ID} characters.")
        self._service.greet()
        return hello.client_id, {
            "protocol": PROTOCOL,
            "boot_id": self._boot_id,
            "pid": os.getpid(),
            "version": __version__,
            "limits": {"header": MAX_HEADER, "frame": MAX_FRAME},
        }

    def answer(self, caller: Caller, frame: Frame) -> Answer:
        """Carry a request out; `frame.header` still holds its type and id."""
        handler = self._table.get(frame.type)
        if handler is None:
            raise bad_request(f"There is no request {frame.type[:40]!r}.")
        return handler(caller, fields_of(frame), frame.blobs)

    def _submit(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        request = from_wire(Asked, fields, "submit").request
        caller.asked.add(request.id)  # before its first picture can be there
        return {"job": to_wire(self._service.submit(caller.client_id, request, blobs))}, ()

    def _cancel(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        return {"job": to_wire(self._service.cancel(from_wire(OfJob, fields).job_id))}, ()

    def _jobs(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        everybody = from_wire(Listing, fields, "jobs").all
        newest_first = self._service.jobs(None if everybody else caller.client_id)[::-1]
        return {"jobs": fitting(newest_first)[::-1]}, ()

    def _resume(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        from_wire(Nothing, fields, "resume")
        jobs, results = self._service.resume(caller.client_id)
        others = self._asked_by_others(caller)
        jobs = [job for job in jobs if job.id not in others]
        results = [result for result in results if result.job_id not in others]
        newest_first = slim(results)[::-1]  # what there is no room for is told when these are gone
        return {"jobs": fitting(jobs), "results": fitting(newest_first)[::-1]}, ()

    def _claim(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        caller.asked.update(from_wire(OfJobs, fields, "claim").job_ids)
        return {}, ()

    def _results(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        results = self._service.results(from_wire(OfJob, fields).job_id)
        return {"results": fitting(slim(results))}, ()

    def _fetch(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        wanted = from_wire(OfResult, fields, "fetch")
        result, pixels = self._service.fetch(wanted.job_id, wanted.index)
        return {"result": to_wire(result)}, (pixels,)

    def _acknowledge(
        self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]
    ) -> Answer:
        pasted = from_wire(OfResult, fields, "acknowledge")
        return {"job": to_wire(self._service.acknowledge(pasted.job_id, pasted.index))}, ()

    def _capabilities(
        self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]
    ) -> Answer:
        from_wire(Nothing, fields, "capabilities")
        offer = self._service.capabilities()
        whole, models = to_wire(offer), fitting(offer.models)
        if len(models) == len(offer.models):
            return {"capabilities": whole}, ()
        blob = json.dumps(whole, ensure_ascii=False).encode()
        return {"capabilities": {**whole, "models": models}}, (blob,)

    def _estimate(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        return {"seconds": self._service.estimate(from_wire(Asked, fields).request)}, ()

    def _status(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        from_wire(Nothing, fields, "status")
        return {
            "worker": to_wire(self._service.worker),
            "jobs": self._service.waiting(),
            "clients": self._count_clients(),
        }, ()

    def _shutdown(self, caller: Caller, fields: dict[str, Any], blobs: Sequence[bytes]) -> Answer:
        from_wire(Nothing, fields, "shutdown")
        self._service.close(cancel=True)
        return {}, ()


def fields_of(frame: Frame) -> dict[str, Any]:
    return {key: value for key, value in frame.header.items() if key not in ("type", "id")}


def slim(results: list[Result]) -> list[Result]:
    """The results, without their metadata where these would not fit; a fetch brings them."""
    if _bytes([to_wire(result) for result in results]) <= LIST_BYTES:
        return results
    return [replace(result, metadata={}) for result in results]


def fitting(items: Sequence[T]) -> list[Any]:
    """As many from the front, as JSON values, as a header has room for."""
    chosen: list[Any] = []
    room = LIST_BYTES
    for item in items:
        value = to_wire(item)
        room -= _bytes(value) + 1
        if room < 0:
            break
        chosen.append(value)
    return chosen


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
