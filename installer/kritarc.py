"""One switch in Krita's configuration file, every other byte of it left alone.

kritarc is KDE's INI: groups in brackets, key=value lines. Krita turns a Python
plugin on by `enable_NAME=true` in the group `[python]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GROUP = "[python]"
KEY = "enable_scumble"
SETTINGS = "[scumble]"  # where the plugin keeps the last values, by Krita.writeSetting

_HEADER = re.compile(r"^\s*\[.*\]\s*$")


@dataclass(frozen=True)
class Previous:
    """How the switch stood before: its value (None: no such line), and whether the group was."""

    value: str | None
    group: bool


def read(text: str) -> Previous:
    group, line = _find(text.splitlines())
    if line is None:
        return Previous(None, group is not None)
    return Previous(text.splitlines()[line].partition("=")[2].strip(), True)


def enabled(text: str) -> bool:
    return read(text).value == "true"


def enable(text: str) -> str:
    """`text` with the plugin turned on."""
    return _set(text, "true")


def restore(text: str, previous: Previous) -> str:
    """`text` with the switch as it was; takes the group away again if enabling had made it."""
    if previous.value is not None:
        return _set(text, previous.value)
    lines = text.splitlines(keepends=True)
    _, line = _find([entry.rstrip("\r\n") for entry in lines])
    if line is not None:
        del lines[line]
    group, _ = _find([entry.rstrip("\r\n") for entry in lines])
    if group is not None and not previous.group:
        below = lines[group + 1 :]
        if not below or _HEADER.match(below[0]) or not below[0].strip():
            del lines[group]
            if group > 0 and not lines[group - 1].strip():
                del lines[group - 1]  # the empty line that enabling put before the group
    return "".join(lines)


def forget(text: str) -> str:
    """`text` without what the plugin has kept there."""
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if line.strip() == SETTINGS), None)
    if start is None:
        return text
    rest = range(start + 1, len(lines))
    end = next((at for at in rest if _HEADER.match(lines[at])), len(lines))
    if end == len(lines) and start > 0 and not lines[start - 1].strip():
        start -= 1  # the empty line between this group and the one before
    return "".join(lines[:start] + lines[end:])


def _set(text: str, value: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    group, line = _find([entry.rstrip("\r\n") for entry in lines])
    entry = f"{KEY}={value}{end}"
    if line is not None:
        if lines[line].partition("=")[2].strip() != value:
            lines[line] = entry
    elif group is not None:
        if not lines[group].endswith(("\n", "\r")):
            lines[group] += end
        lines.insert(group + 1, entry)
    else:
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += end
        if lines:
            lines.append(end)
        lines += [GROUP + end, entry]
    return "".join(lines)


def _find(lines: list[str]) -> tuple[int | None, int | None]:
    """Where the group's header and the switch's line stand."""
    group: int | None = None
    inside = False
    for number, line in enumerate(lines):
        if _HEADER.match(line):
            inside = line.strip() == GROUP
            if inside and group is None:
                group = number
        elif inside and line.partition("=")[0].strip() == KEY and "=" in line:
            return group, number
    return group, None
