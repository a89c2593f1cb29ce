"""Both cores for one training step, without lock step.

torch splits every small operation over its threads and waits for the slowest of them. Where other
programs run too (training yields to all of them), those waits cost up to six times the work itself.
Here each worker takes whole pieces of the batch, one after the other, on a copy of the module that
shares the weights but has gradients of its own; they meet once a step.

Start Python with OMP_NUM_THREADS=1, so that torch itself does not split.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)
P = TypeVar("P")


class Workers(Generic[M]):
    """Computes gradients of one module with `count` threads."""

    def __init__(self, module: M, count: int = 2) -> None:
        self.modules = [module]
        for _ in range(count - 1):
            twin = copy.deepcopy(module)
            for mine, shared in zip(twin.parameters(), module.parameters(), strict=True):
                mine.data = shared.data
            self.modules.append(twin)
        self._pool = ThreadPoolExecutor(count)

    def backward(self, loss: Callable[[M, P], torch.Tensor], pieces: Sequence[P]) -> float:
        """Leave the gradient of the mean of `loss` over the pieces in the first module.

        Returns the mean. `loss` is called in several threads at once.
        """
        waiting = list(reversed(pieces))
        lock = threading.Lock()
        share = 1 / len(pieces)

        def work(module: M) -> float:
            module.zero_grad()
            total = 0.0
            while True:
                with lock:
                    if not waiting:
                        return total
                    piece = waiting.pop()
                value = loss(module, piece) * share
                value.backward()  # type: ignore[no-untyped-call]
                total += float(value.detach())

        total = sum(self._pool.map(work, self.modules))
        for twin in self.modules[1:]:
            for shared, mine in zip(self.modules[0].parameters(), twin.parameters(), strict=True):
                if mine.grad is None:
                    continue
                if shared.grad is None:
                    shared.grad = mine.grad
                    mine.grad = None
                else:
                    shared.grad += mine.grad
        return total
