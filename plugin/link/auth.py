"""Both sides prove that they know the token, without ever sending it.

HMAC-SHA256 (RFC 2104) over the role and both nonces, keyed with the token of
the connection file. The role keeps a proof from being sent back to its maker,
the nonces keep it from being used twice. The server proves first: whoever
squats on a stale port hears a nonce and learns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

NONCE_BYTES = 32
TOKEN_BYTES = 32
SERVER = "server"
CLIENT = "client"

_DOMAIN = "scumble handshake 1"
_HEX = frozenset("0123456789abcdef")


def new_token() -> str:
    """A fresh shared secret, 64 hex digits."""
    return secrets.token_hex(TOKEN_BYTES)


def new_nonce() -> str:
    """A number used once, 64 hex digits."""
    return secrets.token_hex(NONCE_BYTES)


def is_nonce(value: object) -> bool:
    """Whether `value` is 64 lower-case hex digits; anything else is not signed."""
    return isinstance(value, str) and len(value) == 2 * NONCE_BYTES and set(value) <= _HEX


def proof(token: str, role: str, server_nonce: str, client_nonce: str) -> str:
    """What the side named `role` ("server" or "client") sends: 64 hex digits."""
    text = "\n".join((_DOMAIN, role, server_nonce, client_nonce))
    return hmac.new(token.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()


def verify(token: str, role: str, server_nonce: str, client_nonce: str, given: object) -> bool:
    """Whether `given` is the proof of the side named `role`; takes the same time either way."""
    if not isinstance(given, str) or not is_nonce(server_nonce) or not is_nonce(client_nonce):
        return False
    wanted = proof(token, role, server_nonce, client_nonce)
    return hmac.compare_digest(wanted.encode("ascii"), given.encode("utf-8", "replace"))
