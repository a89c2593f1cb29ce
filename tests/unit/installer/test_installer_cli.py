"""What the installer's command line makes of a computer or a person that does not go along."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from installer import cli


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "kept"), [("y\n", False), ("\n", True), ("", True)])
def test_only_a_yes_lets_models_go(
    typed: str, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "" is Ctrl-D."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    options = cli._parser().parse_args(["uninstall"])
    assert cli._keeps(options, False, tmp_path, "the models in") is kept


def test_what_the_disk_refuses_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise PermissionError(13, "Permission denied", "/data/scumble")

    monkeypatch.setattr(cli, "gather", refuse)
    assert cli.main(["doctor"]) == 1
    assert "/data/scumble: Permission denied." in capsys.readouterr().err
