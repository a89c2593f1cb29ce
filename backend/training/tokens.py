"""The model's own small tokenizer: byte pair encoding (BPE) in CLIP's manner.

The pairs are learnt from the names, keywords and caption forms of the data. Words that it never
saw are spelled out in pieces: they mean nothing to the model, but nothing breaks.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

LENGTH = 32  # tokens, with the two marks; longer prompts are cut
VOCABULARY = 4096
START, END = "<|startoftext|>", "<|endoftext|>"


def train(texts: Iterable[str]) -> CLIPTokenizer:
    """A tokenizer for `texts`, ready for `save_pretrained`."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    # Every letter, also as the end of a word, so that any word can be spelled.
    spelled = [f"{letter} {letter}{letter}" for letter in string.ascii_lowercase + string.digits]
    tokenizer.train_from_iterator([*texts, *spelled], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return CLIPTokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        model_max_length=LENGTH,
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
    )
