"""bfloat16 only where the CPU multiplies it."""

from __future__ import annotations

import pytest
import torch

from scumble.training.precision import INSTRUCTIONS, autocast


@pytest.mark.parametrize(
    ("able", "dtype"),
    [
        ({}, torch.float32),
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),
        *(({name: True}, torch.bfloat16) for name in INSTRUCTIONS),
    ],
)
def test_what_the_cpu_cannot_multiply_is_not_used(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    with autocast():
        assert torch.nn.Linear(2, 2)(torch.zeros(1, 2)).dtype is dtype
