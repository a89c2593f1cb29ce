"""Writes a model the way checkpoints were first shared: one file, the original authors' names.

The inverse of what diffusers does when it reads such a file. The UNet's layout is that of
CompVis' and Stability's `openaimodel.py`, the VAE's that of `ldm/modules/diffusionmodules`, the
text encoders' that of transformers (SD 1) and OpenCLIP (SD 2 and SDXL's second).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

State = dict[str, torch.Tensor]

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
CLIP_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def write(path: Path, parts: dict[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Save diffusers components (unet, vae, text encoders) as one original checkpoint."""
    state = {key: tensor.contiguous().clone() for key, tensor in checkpoint(parts).items()}
    save_file(state, path, metadata=metadata)


def checkpoint(parts: dict[str, Any]) -> State:
    """The whole checkpoint; tells SD 1, SD 2 and SDXL apart by the text encoders."""
    text = parts["text_encoder"]
    state = _prefixed("model.diffusion_model.", unet(parts["unet"]))
    state |= _prefixed("first_stage_model.", vae(parts["vae"]))
    if "text_encoder_2" in parts:
        state |= _prefixed("conditioner.embedders.0.transformer.text_model.", clip(text))
        second = parts["text_encoder_2"]
        state |= _prefixed("conditioner.embedders.1.model.", open_clip(second))
    elif text.config.hidden_act == "quick_gelu":
        state |= _prefixed("cond_stage_model.transformer.text_model.", clip(text))
    else:
        state |= _prefixed("cond_stage_model.model.", open_clip(text))
    return state


def unet(model: Any) -> State:
    names = _unet_names(model.config)
    return {_renamed(key, names, RESNET): tensor for key, tensor in model.state_dict().items()}


def _unet_names(config: Any) -> dict[str, str]:
    """Module in diffusers -> module in the original; the original numbers blocks in one row."""
    levels, layers = len(config.block_out_channels), config.layers_per_block
    names = dict(UNET_ENDS)
    number = 1
    for level in range(levels):
        for layer in range(layers):
            names[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{number}.0"
            names[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{number}.1"
            number += 1
        names[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
        number += 1
    names["mid_block.resnets.0"] = "middle_block.0"
    names["mid_block.attentions.0"] = "middle_block.1"
    names["mid_block.resnets.1"] = "middle_block.2"
    number = 0
    for level in range(levels):
        attention = "CrossAttn" in config.up_block_types[level]
        for layer in range(layers + 1):
            names[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{number}.0"
            names[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{number}.1"
            number += 1
        place = 2 if attention else 1
        names[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{number - 1}.{place}.conv"
    return names


def vae(model: Any) -> State:
    levels = len(model.config.block_out_channels)
    names = {
        "encoder.conv_norm_out": "encoder.norm_out",
        "decoder.conv_norm_out": "decoder.norm_out",
    }
    for side in ("encoder", "decoder"):
        names[f"{side}.mid_block.resnets.0"] = f"{side}.mid.block_1"
        names[f"{side}.mid_block.resnets.1"] = f"{side}.mid.block_2"
        names[f"{side}.mid_block.attentions.0"] = f"{side}.mid.attn_1"
    for level in range(levels):
        for layer in range(model.config.layers_per_block + 1):
            down, up = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{level}"
            # the original's decoder counts from the picture's end
            other = f"decoder.up.{levels - 1 - level}"
            names[f"{down}.resnets.{layer}"] = f"encoder.down.{level}.block.{layer}"
            names[f"{down}.downsamplers.0"] = f"encoder.down.{level}.downsample"
            names[f"{up}.resnets.{layer}"] = f"{other}.block.{layer}"
            names[f"{up}.upsamplers.0"] = f"{other}.upsample"
    inner = {"conv_shortcut": "nin_shortcut", **VAE_ATTENTION}
    state = {}
    for key, tensor in model.state_dict().items():
        name = _renamed(key, names, inner)
        is_matrix = ".mid.attn_1." in name and tensor.ndim == 2
        state[name] = tensor[:, :, None, None] if is_matrix else tensor  # a 1x1 convolution there
    return state


def clip(model: Any) -> State:
    """Transformers' names below `text_model.`, with the buffer that older files also hold."""
    state = {key.removeprefix("text_model."): t for key, t in model.state_dict().items()}
    positions = model.config.max_position_embeddings
    return {**state, "embeddings.position_ids": torch.arange(positions)[None]}


def open_clip(model: Any) -> State:
    """OpenCLIP's names. A text encoder without projection is SD 2's, which has one layer more
    on disk than diffusers keeps, and a projection that it does not use.
    """
    own = {key.removeprefix("text_model."): t for key, t in model.state_dict().items()}
    width = model.config.hidden_size
    state = {
        "token_embedding.weight": own["embeddings.token_embedding.weight"],
        "positional_embedding": own["embeddings.position_embedding.weight"],
        "ln_final.weight": own["final_layer_norm.weight"],
        "ln_final.bias": own["final_layer_norm.bias"],
        "logit_scale": torch.tensor(4.6),
    }
    layers = model.config.num_hidden_layers
    for number in range(layers):
        layer = {
            key.removeprefix(f"encoder.layers.{number}."): tensor
            for key, tensor in own.items()
            if key.startswith(f"encoder.layers.{number}.")
        }
        state |= _prefixed(f"transformer.resblocks.{number}.", _open_clip_layer(layer))
    if "text_projection.weight" in own:
        state["text_projection"] = own["text_projection.weight"].T
    else:
        last = _prefixed(f"transformer.resblocks.{layers}.", _open_clip_layer(layer))
        state |= {key: torch.zeros_like(tensor) for key, tensor in last.items()}
        state["text_projection"] = torch.zeros(width, width)
    return state


def _open_clip_layer(layer: State) -> State:
    state = {}
    for kind in ("weight", "bias"):
        parts = [layer[f"self_attn.{name}_proj.{kind}"] for name in "qkv"]
        state[f"attn.in_proj_{kind}"] = torch.cat(parts)
        for theirs, ours in CLIP_LAYER.items():
            state[f"{ours}.{kind}"] = layer[f"{theirs}.{kind}"]
    return state


def _renamed(key: str, names: dict[str, str], inner: dict[str, str]) -> str:
    """The longest module name that starts the key is replaced, then the module inside it."""
    for module in sorted(names, key=len, reverse=True):
        if key.startswith(module + "."):
            rest = key.removeprefix(module + ".")
            for theirs, ours in inner.items():
                if rest.startswith(theirs + "."):
                    rest = f"{ours}.{rest.removeprefix(theirs + '.')}"
                    break
            return f"{names[module]}.{rest}"
    return key


def _prefixed(prefix: str, state: State) -> State:
    return {prefix + key: tensor for key, tensor in state.items()}
