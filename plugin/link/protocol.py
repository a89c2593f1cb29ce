"""The messages between client and daemon, and between daemon and worker's clients.

A message is a `wire.Frame`: a JSON header and binary blobs. Header fields
beside those listed: `type`, and for requests `id` (a number that the client
chooses, counted up), repeated as `to` in the one reply that every request gets:
`{type: "reply", to, ...}` or `{type: "error", to, error: ErrorInfo}`.
Values are `encoding.to_wire` of the types in values.py.

The handshake (frames of at most 1 KiB, within 2 s, before anything else; see auth.py):

    client  {type: "greet", nonce}                       nonce: 32 random bytes, hex
    server  {type: "challenge", nonce, proof}            proof over both nonces, role "server"
    client  {type: "prove", proof}                       proof over both nonces, role "client"
    server  {type: "reply"}  or  {type: "error", error} and the end of the connection

Requests (after which the reply's fields are given):

    hello        {protocol, client_id, name}             -> {protocol, boot_id, pid, version,
                                                             limits: {header, frame}}
                  first request of a connection; protocol differs: error version_mismatch
    submit       {request}  blobs [pixels][, mask]       -> {job}
                  text_to_image has no blobs, image_to_image pixels, inpaint both;
                  idempotent by request.id; replied to after the journal committed
    cancel       {job_id}                                -> {job}      idempotent
    jobs         {all: bool}                             -> {jobs: [Job]}  own, or everybody's
    resume       {}                                      -> {jobs: [Job], results: [Result]}
                  this client's jobs that are not over, and results not acknowledged,
                  without those of other connections of it that are there
    claim        {job_ids: [str]}                        -> {}
                  jobs that were asked for through an earlier connection are this one's
    results      {job_id}                                -> {results: [Result]}
    fetch        {job_id, index}                         -> {result} blobs [RGBA8]
    acknowledge  {job_id, index}                         -> {job}      idempotent
    capabilities {}                                      -> {capabilities} blobs [] or [whole]
                  whole: what a header has no room for, as JSON; the header's list of
                  models is then its beginning, for plugins that know no blob
    estimate     {request}                               -> {seconds: float or null}
    status       {}                                      -> {worker: WorkerStatus, jobs: int,
                                                             clients: int}
    shutdown     {}                                      -> {}         running work is cancelled

What a request says more than when PROTOCOL was set has a default and is left
out there (`encoding.NEWER`): older peers understand all that asks for nothing new.

A list holds as many as fit a header: of `jobs` and of `resume`'s results the newest
(asked again when these are acknowledged, `resume` gives older ones), else the first.
Results in a long list come without metadata; `fetch` gives it.

Events (no reply; to every connection of the job's client_id, the last two to all; `result`
only to the connection that submitted or claimed the job, while that is there):

    job       {job}                                      a state changed; never dropped
    progress  {progress}  blobs [RGB8 preview] or []     newest wins, droppable
    result    {result}                                   one picture is in the store
    worker    {worker: WorkerStatus}
    capabilities {}                                      the list of models changed: ask again
"""

from __future__ import annotations

PROTOCOL = 2  # of values, too: a request says more than one of version 1
MAGIC = b"SCUMBLE1"  # first bytes that a client sends

MAX_HEADER = 64 * 1024  # bytes
MAX_FRAME = 768 * 1024 * 1024  # bytes, header and blobs; MAX_PIXELS of RGBA and a mask fit
MAX_BLOBS = 4
MAX_FRAME_BEFORE_AUTH = 1024  # bytes
HANDSHAKE_SECONDS = 2.0
HANDSHAKE_SLOTS = 8
CANCEL_SECONDS = 10.0  # after this a worker that does not stop is killed
