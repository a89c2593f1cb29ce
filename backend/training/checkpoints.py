"""What makes a run resumable: the moving average, the clock, and files that are whole."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

AVERAGED = 4  # every so many steps; more often costs time and changes nothing


class Average:
    """Exponential moving average (EMA) of a module's weights: smoother, and better, than the last.

    The decay warms up as (1 + n) / (10 + n), so that the random start is soon forgotten.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards `module`."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine = [p for p in self.module.state_dict().values() if p.is_floating_point()]
        theirs = [p for p in module.state_dict().values() if p.is_floating_point()]
        torch._foreach_lerp_(mine, theirs, 1 - decay)


class Run:
    """One training run's state in one file, written every few minutes and at the end.

    SIGTERM ends the process (SystemExit, status 143) after the step it comes in, with that saved.
    """

    def __init__(
        self,
        path: Path,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        decay: float,
        every: float = 180.0,  # seconds between saves
    ) -> None:
        self.path, self.module, self.optimizer, self.every = path, module, optimizer, every
        self.average = Average(module, decay)
        self.step = 0
        self.seconds = 0.0  # of training, over all sessions
        self._stop = False
        self._handler = signal.signal(signal.SIGTERM, self._ask_to_stop)
        self._since = self._saved = time.monotonic()
        if path.exists():
            state = torch.load(path, map_location="cpu", weights_only=True)
            module.load_state_dict(state["module"])
            if state["optimizer"] is not None:  # None: begun from a saved folder
                optimizer.load_state_dict(state["optimizer"])
            self.average.module.load_state_dict(state["average"])
            self.step = state["step"]
            self.average.updates = self.step // AVERAGED
            self.seconds = state["seconds"]

    def set_rate(self, highest: float, minutes: float, *, warm_up: int, floor: float) -> None:
        """The learning rate of this moment of a run of `minutes`: see `warm_up_then_decay`.

        `warm_up` is in seconds. A group of parameters may have a "share" of the rate (default 1).
        """
        factor = warm_up_then_decay(
            int(self.seconds), int(minutes * 60), warm_up=warm_up, floor=floor
        )
        for group in self.optimizer.param_groups:
            group["lr"] = highest * factor * group.get("share", 1.0)

    def advance(self) -> None:
        """Count one step: average, clock, and a save when one is due."""
        self.step += 1
        if self.step % AVERAGED == 0:
            self.average.update(self.module)
        now = time.monotonic()
        self.seconds += now - self._since
        self._since = now
        if now - self._saved >= self.every:
            self.save()

    def going(self, minutes: float) -> bool:
        """Whether there is time left of `minutes`."""
        if self._stop:
            self.finish()
            raise SystemExit(128 + signal.SIGTERM)
        return self.seconds < minutes * 60

    def _ask_to_stop(self, *_: object) -> None:
        self._stop = True

    def finish(self) -> None:
        """Save, and leave SIGTERM to whoever minded it before."""
        self.save()
        signal.signal(signal.SIGTERM, self._handler)

    def save(self) -> None:
        """Write everything, atomically."""
        save(
            self.path,
            {
                "module": self.module.state_dict(),
                "average": self.average.module.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
            },
        )
        self._saved = time.monotonic()


def save(path: Path, state: dict[str, Any]) -> None:
    """`torch.save`, whole or not at all."""
    with appearing(path) as part:
        torch.save(state, part)


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A path to write a file or a folder to, which becomes `target` when it is whole.

    An older file is replaced; where `target` is a folder it must not be there yet.
    """
    part = target.with_name(f"{target.name}.part")
    if part.is_dir():
        shutil.rmtree(part)
    target.parent.mkdir(parents=True, exist_ok=True)
    yield part
    os.replace(part, target)


def warm_up_then_decay(step: int, total: int, *, warm_up: int = 200, floor: float = 0.1) -> float:
    """Factor on the learning rate: linear warm-up, then a cosine from 1 to `floor` at `total`."""
    if step < warm_up:
        return (step + 1) / warm_up
    part = min(1.0, (step - warm_up) / max(1, total - warm_up))
    return floor + (1 - floor) * 0.5 * (1 + float(torch.cos(torch.tensor(part * torch.pi))))
