"""Steps done one after the other, each remembered, and taken back when one of them fails."""

from __future__ import annotations

import os
from collections.abc import Iterable

from installer.progress import Display
from installer.steps import InstallBackend, InstallTorch, MakeEnvironment, Step
from installer.undo import Record, Undo

# A download that broke off goes on from there the next time: these are left as they are
_RESUMABLE = (MakeEnvironment, InstallTorch, InstallBackend)


def do_steps(steps: Iterable[Step], record: Record, display: Display) -> None:
    """Whatever a step raises is raised after the plugin steps of this run were taken back."""
    known = set(record.load())
    new: list[Undo] = []
    try:
        for step in steps:
            with display.task(step.title) as task:
                undos = step.do(task)
            for undo in undos:
                record.add(undo)
                if undo in record.load() and undo not in known and not _resumable(step):
                    new.append(undo)
    except BaseException:  # Ctrl-C among them
        undo_all(tuple(reversed(new)), record, display)
        raise


def undo_all(undos: Iterable[Undo], record: Record, display: Display) -> None:
    """Take steps back; each leaves the record as soon as it is done. Says what there was to do."""
    for undo in undos:
        there = os.path.lexists(undo.path)
        undo.apply()
        record.forget(undo)
        if there:
            display.say(f"- {undo.title}")


def _resumable(step: Step) -> bool:
    return isinstance(step, _RESUMABLE)
