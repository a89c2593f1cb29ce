"""From prompts to what the UNet reads.

A plain prompt of up to 77 tokens is encoded as diffusers' own pipelines do it;
weights and longer prompts go through compel (imported only then).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from scumble.engine.model import Encoding, Model, TextPart
from scumble.engine.prompts import Fragment, Prompt, parse
from scumble.link.values import Size


@dataclass(frozen=True)
class Conditioning:
    """All that steers the denoiser beside latents and timestep.

    states: (n, tokens, width); n is 2 with classifier-free guidance or focus
    (negative first), else 1. added: SDXL's pooled text and sizes, n rows each. channels:
    (n, C + 1, h, w), mask and masked latents for a UNet that takes them.
    guidance: the guidance scale as an embedding, for distilled UNets. focus:
    (1, 1, h, w), 0 … 1, how far the prompt holds; where it is 0 only the
    negative one does. None: it holds everywhere.
    """

    states: torch.Tensor
    guidance_scale: float
    added: dict[str, torch.Tensor] | None = None
    channels: torch.Tensor | None = None
    guidance: torch.Tensor | None = None
    focus: torch.Tensor | None = None

    @property
    def copies(self) -> int:
        """How many times the latents go through the UNet at each step."""
        return int(self.states.shape[0])


@torch.no_grad()
def condition(
    model: Model,
    prompt: Prompt,
    negative: Prompt,
    guidance_scale: float,
    size: Size,
    focused: bool = False,
) -> Conditioning:
    """size: of the working picture in pixels. focused: the prompt is to hold in a part of it.

    guidance_scale of 1 leaves the negative prompt out; so do distilled UNets,
    which take the scale as an input. Focus needs it in any case: it is what
    holds outside, and each step then takes two calls of the UNet, as with guidance.
    """
    distilled = model.unet.config.time_cond_proj_dim
    positive = encode(model, prompt)
    encodings = [positive]
    guided = guidance_scale > 1 and distilled is None
    if guided or focused:
        encodings = list(_same_length(model, _negative(model, negative, positive), positive))
    states = torch.cat([encoding.states for encoding in encodings])
    added = None
    if model.architecture.size_conditioning:
        pooled = [encoding.pooled for encoding in encodings if encoding.pooled is not None]
        sizes = [size.height, size.width, 0, 0, size.height, size.width]
        time_ids = torch.tensor([sizes] * len(encodings), dtype=states.dtype, device=states.device)
        added = {"text_embeds": torch.cat(pooled), "time_ids": time_ids}
    guidance = None
    if distilled is not None:
        guidance = _guidance_embedding(guidance_scale - 1, distilled).to(states)
    return Conditioning(states, guidance_scale if guided else 1.0, added, None, guidance)


def _negative(model: Model, prompt: Prompt, positive: Encoding) -> Encoding:
    if not prompt.text and model.zero_negative:
        pooled = None if positive.pooled is None else torch.zeros_like(positive.pooled)
        return Encoding(torch.zeros_like(positive.states), pooled)
    return encode(model, prompt)


def encode(model: Model, prompt: Prompt) -> Encoding:
    """The encoded prompt, from memory if it was encoded with the same LoRAs before."""
    key = (prompt.fragments, model.active_loras)
    known = model.recall(key)
    if known is not None:
        return known
    plain = not prompt.weighted and all(_fits(part.tokenizer, prompt.text) for part in model.text)
    states, pooled = [], None
    for part in model.text:
        state, summary = _plain(model, part, prompt.text)
        states.append(state if plain else _weighted(model, part, prompt.fragments))
        pooled = summary if summary is not None else pooled
    encoding = Encoding(torch.cat(states, dim=-1), pooled)
    model.remember(key, encoding)
    return encoding


def _fits(tokenizer: Any, text: str) -> bool:
    tokens = tokenizer(text, truncation=False)["input_ids"]
    return len(tokens) <= int(tokenizer.model_max_length)


def _plain(model: Model, part: TextPart, text: str) -> tuple[torch.Tensor, torch.Tensor | None]:
    """(1, 77, width) and, where it is used, (1, projected width); longer text is cut."""
    tokens = part.tokenizer(
        text,
        padding="max_length",
        max_length=part.tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    config = part.encoder.config
    mask = tokens.attention_mask if getattr(config, "use_attention_mask", False) else None
    output = part.encoder(
        tokens.input_ids.to(model.place),
        attention_mask=None if mask is None else mask.to(model.place),
        output_hidden_states=part.row.penultimate,
    )
    state = output.hidden_states[-2] if part.row.penultimate else output.last_hidden_state
    pooled = output.text_embeds if part.row.pooled else None
    return state.to(model.dtype), pooled


def _weighted(model: Model, part: TextPart, fragments: tuple[Fragment, ...]) -> torch.Tensor:
    """(1, 77 n, width): n chunks of 77 tokens, split between sentences where that is possible."""
    from compel.embeddings_provider import EmbeddingsProvider, ReturnedEmbeddingsType

    kind = ReturnedEmbeddingsType
    provider = EmbeddingsProvider(
        part.tokenizer,
        part.encoder,
        truncate=False,
        returned_embeddings_type=(
            kind.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
            if part.row.penultimate
            else kind.LAST_HIDDEN_STATES_NORMALIZED
        ),
        device=model.device.place,
    )
    # compel's tokenizer call fails on no words at all
    spoken = [fragment for fragment in fragments if fragment.text.strip()] or [Fragment("")]
    states: torch.Tensor = provider.get_embeddings_for_weighted_prompt_fragments(
        [[fragment.text for fragment in spoken]],
        [[fragment.weight for fragment in spoken]],
        device=model.device.place,
    )
    return states.to(model.dtype)


def _same_length(model: Model, *encodings: Encoding) -> tuple[Encoding, ...]:
    """Shorter ones are followed by empty prompts, as compel does it."""
    longest = max(encoding.states.shape[1] for encoding in encodings)
    return tuple(_lengthen(model, encoding, longest) for encoding in encodings)


def _lengthen(model: Model, encoding: Encoding, tokens: int) -> Encoding:
    states = encoding.states
    if states.shape[1] < tokens:
        empty = encode(model, parse("")).states
        missing = (tokens - states.shape[1]) // empty.shape[1]
        states = torch.cat([states, *[empty] * missing], dim=1)
    return Encoding(states, encoding.pooled)


def _guidance_embedding(scale: float, width: int) -> torch.Tensor:
    """(1, width): sine and cosine of the scale at `width` / 2 frequencies.

    From https://github.com/google-research/vdm/blob/main/model_vdm.py (get_timestep_embedding),
    as latent consistency models were distilled with it.
    """
    half = width // 2
    exponents = torch.arange(half, dtype=torch.float32) * -(
        torch.log(torch.tensor(10000.0)) / (half - 1)
    )
    angles = torch.tensor([[scale * 1000.0]]) * torch.exp(exponents)[None, :]
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
