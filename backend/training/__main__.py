"""``python -m scumble.training prepare|train|evaluate|sheet|export|fills``

    prepare    fetch the pictures and cut them out
    train      everything that is missing, in order: VAE, latents, text encoder, U-Net, judge
    evaluate   the figures of the model card
    sheet      50 samples, unpicked, as one PNG
    export     the diffusers folder
    fills      20 fills through Scumble's engine with the package's weights, as one PNG, and the
               figures and times of 50 more

`train` prepares first where that was not done, so it alone makes weights like the package's, which
came in several runs. It yields to everything else on the machine (nice 19), can be killed at any
moment, and goes on from there when it is started again.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

SUBJECTS = ("common", "core", "all")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    COMMANDS[options.command](folder, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    from platformdirs import user_cache_path

    parser = argparse.ArgumentParser(
        prog="python -m scumble.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=tuple(COMMANDS))
    parser.add_argument(
        "--folder",
        type=Path,
        default=user_cache_path("scumble") / "training",
        help="prepared data, checkpoints and sheets (default: %(default)s)",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        help="train: a saved diffusers folder to go on from where there are no checkpoints",
    )
    parser.add_argument("--to", type=Path, help="what sheet, export or fills writes")
    parser.add_argument(
        "--subjects",
        choices=SUBJECTS,
        default="all",
        help="of the U-Net's lessons. common: 254 things; core: 660; all: with clip art and long "
        "names",
    )
    parser.add_argument(
        "--only", choices=("vae", "latents", "looks", "unet", "judge"), action="append"
    )
    parser.add_argument("--vae-minutes", type=float, default=60)
    parser.add_argument("--looks-minutes", type=float, default=20)
    parser.add_argument("--judge-minutes", type=float, default=25)
    parser.add_argument("--unet-minutes", type=float, default=900)
    parser.add_argument(
        "--unet-rate",
        type=float,
        help="highest learning rate of the U-Net (default: unet.LEARNING_RATE)",
    )
    parser.add_argument("--shards", type=int, default=60, help="of 1,024 lessons each")
    return parser


def _prepare(folder: Path, options: argparse.Namespace) -> None:
    from . import sources, sprites

    if not (folder / "sprites" / "sprites.json").exists():
        found = sources.fetch(folder / "downloads")
        sprites.build(found, folder / "sprites", clip_art=True, tell=print)


def _train(folder: Path, options: argparse.Namespace) -> None:
    os.nice(19 - os.nice(0))
    _one_thread()
    _prepare(folder, options)
    if options.source is not None:
        from .begin import begin

        begin(options.source, folder)
    from transformers import CLIPTokenizer

    from . import clip, export, latents, looks, prompts, sheets, sprites, things, unet, vae

    everything = sprites.load(folder / "sprites")[0]
    choose: Callable[[list[sprites.Sprite]], list[sprites.Sprite]] = {
        "common": things.common,
        "core": sprites.core,
        "all": sprites.distinct,
    }[options.subjects]
    records = choose(everything)
    clip.make_tokenizer(folder, everything)
    stages = options.only or ("vae", "latents", "looks", "unet", "judge")
    if "vae" in stages:
        vae.train(folder, minutes=options.vae_minutes)
    if "latents" in stages:
        latents.make(folder, latents.encoder(vae.load(folder)), records, shards=options.shards)
    if "looks" in stages and (options.only or not (folder / "text.pt").exists()):
        looks.train(folder, minutes=options.looks_minutes)
    if "unet" in stages:

        def sheet(drawer: unet.Drawer) -> None:
            tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
            pipeline = export.assemble(vae.load(folder), copy.deepcopy(drawer), tokenizer)
            pictures = sheets.draw(pipeline, prompts.all_prompts()[::5])
            sheets.grid(pictures, 10).save(folder / "sheet.png")

        rate = options.unet_rate or unet.LEARNING_RATE
        unet.train(folder, minutes=options.unet_minutes, rate=rate, sheet=sheet)
    if "judge" in stages:
        clip.train(folder, things.common(everything), minutes=options.judge_minutes)


def _evaluate(folder: Path, options: argparse.Namespace) -> None:
    from . import evaluate, export

    figures = evaluate.everything(folder, export.load(folder))
    (folder / "figures.json").write_text(json.dumps(figures, indent=1))


def _sheet(folder: Path, options: argparse.Namespace) -> None:
    from . import export, prompts, sheets

    pictures = sheets.draw(export.load(folder), prompts.all_prompts()[::2], seed=1)
    target = options.to or folder / "samples.png"
    sheets.grid(pictures, 10).quantize(256).save(target, optimize=True)
    print(target)


def _export(folder: Path, options: argparse.Namespace) -> None:
    from . import export

    target = options.to or folder / "starter"
    size = export.write(export.load(folder), target)
    print(f"{target}: {size / 1e6:.1f} MB")


def _fills(folder: Path, options: argparse.Namespace) -> None:
    from . import clip, evaluate, fills, sheets
    from .judge import Judge
    from .prompts import all_prompts

    target = options.to or folder / "fills.png"
    sheets.grid(fills.draw(), 10).quantize(256).save(target, optimize=True)
    print(target)
    judge = Judge(*clip.load(folder), all_prompts())
    for name, value in (fills.seconds() | fills.figures(judge)).items():
        evaluate.tell(name, value)


def _one_thread() -> None:
    # The work is shared out by workers.py; torch's own threads would only wait for each other.
    # The variable is for threads that start later and is read when torch is first imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)


COMMANDS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "prepare": _prepare,
    "train": _train,
    "evaluate": _evaluate,
    "sheet": _sheet,
    "export": _export,
    "fills": _fills,
}

if __name__ == "__main__":
    sys.exit(main())
