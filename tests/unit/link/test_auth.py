"""Who knows the token proves it; who does not learns nothing that helps."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from scumble.link import auth

TOKEN = "11" * 32
SERVER_NONCE = "aa" * 32
CLIENT_NONCE = "bb" * 32


@pytest.mark.parametrize("role", [auth.SERVER, auth.CLIENT])
def test_a_proof_made_with_the_token_is_accepted(role: str) -> None:
    given = auth.proof(TOKEN, role, SERVER_NONCE, CLIENT_NONCE)
    assert auth.verify(TOKEN, role, SERVER_NONCE, CLIENT_NONCE, given)


def test_the_proof_is_the_hmac_that_the_module_describes() -> None:
    text = "\n".join(["scumble handshake 1", "server", SERVER_NONCE, CLIENT_NONCE])
    wanted = hmac.new(TOKEN.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert auth.proof(TOKEN, "server", SERVER_NONCE, CLIENT_NONCE) == wanted


@pytest.mark.parametrize(
    ("token", "role", "server_nonce", "client_nonce"),
    [
        ("22" * 32, auth.SERVER, SERVER_NONCE, CLIENT_NONCE),
        (TOKEN, auth.CLIENT, SERVER_NONCE, CLIENT_NONCE),
        (TOKEN, auth.SERVER, "ac" * 32, CLIENT_NONCE),
        (TOKEN, auth.SERVER, SERVER_NONCE, "bc" * 32),
        (TOKEN, auth.SERVER, CLIENT_NONCE, SERVER_NONCE),
    ],
    ids=["token", "role", "server's nonce", "client's nonce", "nonces exchanged"],
)
def test_a_proof_of_anything_else_is_refused(
    token: str, role: str, server_nonce: str, client_nonce: str
) -> None:
    given = auth.proof(token, role, server_nonce, client_nonce)
    assert not auth.verify(TOKEN, auth.SERVER, SERVER_NONCE, CLIENT_NONCE, given)


@pytest.mark.parametrize("given", [None, "", 7, "é" * 64, "\ud800", "0" * 64, b"0" * 64, ["x"]])
def test_what_is_no_proof_is_refused_without_a_crash(given: object) -> None:
    assert not auth.verify(TOKEN, auth.SERVER, SERVER_NONCE, CLIENT_NONCE, given)


@pytest.mark.parametrize("nonce", ["", "aa", "AA" * 32, "zz" * 32, "aa" * 33, "a\n" * 32])
def test_nothing_is_proved_over_what_is_no_nonce(nonce: str) -> None:
    given = auth.proof(TOKEN, auth.SERVER, nonce, CLIENT_NONCE)
    assert not auth.is_nonce(nonce)
    assert not auth.verify(TOKEN, auth.SERVER, nonce, CLIENT_NONCE, given)


def test_tokens_and_nonces_are_fresh_each_time() -> None:
    assert len({auth.new_token() for _ in range(50)} | {auth.new_nonce() for _ in range(50)}) == 100
    assert auth.is_nonce(auth.new_nonce())
