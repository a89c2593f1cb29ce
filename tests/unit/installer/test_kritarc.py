"""One switch in Krita's configuration: everything else keeps its bytes."""

from __future__ import annotations

import pytest

from installer import kritarc

PLAIN = "[General]\nname=value\n\n[python]\nenable_other=true\n\n[zoom]\nlevel=2\n"

FILES = {
    "empty": "",
    "no group": "[General]\nname=value\n",
    "no group, no last line end": "[General]\nname=value",
    "group with others": PLAIN,
    "empty group": "[python]\n",
    "group at the end without line end": "a=1\n[python]",
    "a group that only begins alike": "[python][sub]\nenable_scumble=false\n",
    "windows line ends": PLAIN.replace("\n", "\r\n"),
    "turned off": "[python]\nenable_scumble=false\nenable_z=true\n",
    "bytes that are no UTF-8": b"[General]\nx=\xff\xfe\n".decode("utf-8", "surrogateescape"),
    "the key in another group": "[docker]\nenable_scumble=false\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_enabling_turns_the_plugin_on(text: str) -> None:
    assert not kritarc.enabled(text)
    assert kritarc.enabled(kritarc.enable(text))


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_enabling_adds_or_changes_one_entry_and_keeps_every_other_line(text: str) -> None:
    before = text.splitlines()
    after = kritarc.enable(text).splitlines()
    ours = ("enable_scumble=true", "enable_scumble=false", "[python]", "")
    assert [line for line in after if line not in ours] == [
        line for line in before if line not in ours
    ]


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_restoring_gives_the_bytes_of_before(text: str) -> None:
    restored = kritarc.restore(kritarc.enable(text), kritarc.read(text))
    # a last line gets its line end when something is put below it; nothing else differs
    assert restored in (text, text + "\n")


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_enabling_twice_is_enabling_once(text: str) -> None:
    once = kritarc.enable(text)
    assert kritarc.enable(once) == once


def test_windows_line_ends_are_kept() -> None:
    assert "\n" not in kritarc.enable(FILES["windows line ends"]).replace("\r\n", "")


def test_what_the_artist_changed_meanwhile_is_kept_by_restoring() -> None:
    enabled = kritarc.enable("[General]\nname=value\n")
    changed = enabled.replace("[python]\n", "[python]\nenable_new=true\n")
    restored = kritarc.restore(changed, kritarc.read("[General]\nname=value\n"))
    assert "enable_new=true" in restored
    assert "[python]" in restored
    assert "enable_scumble" not in restored


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ""),
        (PLAIN, PLAIN),
        ("[scumble]\nform={}\n", ""),
        (PLAIN + "\n[scumble]\nform={}\n", PLAIN),
        ("[a]\nb=1\n\n[scumble]\nform={}\n\n[zoom]\nlevel=2\n", "[a]\nb=1\n\n[zoom]\nlevel=2\n"),
        ("[scumble2]\nform={}\n", "[scumble2]\nform={}\n"),
    ],
)
def test_what_the_plugin_kept_is_forgotten_and_nothing_else(text: str, left: str) -> None:
    assert kritarc.forget(text) == left
    windows = text.replace("\n", "\r\n")
    assert kritarc.forget(windows) == left.replace("\n", "\r\n")
