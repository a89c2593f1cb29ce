"""Begin where a saved diffusers folder stands, when there are no checkpoints.

Checkpoints, with the optimizers' memory, stay on the machine that wrote them. The weights in the
package are everywhere, so that training can go on from them on any machine: ``train --from``.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from . import checkpoints, unet, vae


def begin(source: Path, folder: Path) -> None:
    """Write what `folder` lacks of tokenizer, vae.pt, unet.pt and text.pt, from `source`.

    A U-Net of another shape than `unet.new()` begins anew; its text encoder is kept in text.pt,
    from which the new one's takes as many layers as it has.
    """
    if not (folder / "tokenizer").exists():
        with checkpoints.appearing(folder / "tokenizer") as part:
            shutil.copytree(source / "tokenizer", part)
    text = CLIPTextModel.from_pretrained(source / "text_encoder", dtype=torch.float32)
    if not (folder / "text.pt").exists():
        checkpoints.save(folder / "text.pt", text.state_dict())
    saved = AutoencoderKL.from_pretrained(source / "vae", torch_dtype=torch.float32)
    _write(folder / "vae.pt", vae.new(), saved.state_dict())
    drawn = UNet2DConditionModel.from_pretrained(source / "unet", torch_dtype=torch.float32)
    weights = {f"unet.{name}": value for name, value in drawn.state_dict().items()}
    weights |= {f"text.{name}": value for name, value in text.state_dict().items()}
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    _write(folder / "unet.pt", unet.Drawer(unet.text_model(tokenizer)), weights)


def _write(path: Path, module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """A checkpoint without an optimizer's memory, if there is none and the weights fit."""
    shapes = {name: value.shape for name, value in module.state_dict().items()}
    if path.exists() or shapes != {name: value.shape for name, value in weights.items()}:
        return
    state: dict[str, Any] = {"module": weights, "average": weights, "optimizer": None}
    checkpoints.save(path, {**state, "step": 0, "seconds": 0.0})
