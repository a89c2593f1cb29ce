"""What is shown of a picture that is forming: by a tiny decoder (TAESD) where one was fetched."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import diffusers
import pytest
import tiny
import torch
from daemons import request

from scumble.engine import latents as conversion
from scumble.engine import loading
from scumble.engine.base import Hooks
from scumble.engine.devices import DEVICES
from scumble.engine.diffusion import DiffusionEngine
from scumble.engine.extensions.preview import Meter, Preview
from scumble.imaging.window import Window
from scumble.link.home import Home
from scumble.link.values import Mode, Progress, Region, Size

SIDE = 96


@pytest.fixture(scope="module")
def taesd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder of TAESD's class and layout, with few channels and random weights."""
    torch.manual_seed(3)
    small = {f"{part}_block_out_channels": (8,) * 4 for part in ("encoder", "decoder")}
    blocks = {f"num_{part}_blocks": (1,) * 4 for part in ("encoder", "decoder")}
    folder = tmp_path_factory.mktemp("taesd")
    diffusers.AutoencoderTiny(**small, **blocks).save_pretrained(folder)
    return folder


def previews_folder(home: Home) -> Path:
    return Path(home.path) / "models" / "previews"


def draw(engine: DiffusionEngine, model: str) -> list[tuple[Progress, bytes]]:
    seen: list[tuple[Progress, bytes]] = []
    asked = request(
        "a", model=model, mode=Mode.TEXT_TO_IMAGE, region=Region(0, 0, SIDE, SIDE), steps=2, batch=1
    )
    hooks = Hooks(lambda *step: seen.append(step), lambda _: None, lambda: False)
    list(engine.run(asked, b"", b"", hooks))
    for progress, preview in seen:
        assert progress.preview is not None
        assert len(preview) == progress.preview.pixels * 3
    return seen


def sizes(seen: list[tuple[Progress, bytes]]) -> set[Size | None]:
    return {progress.preview for progress, _ in seen}


def test_a_decoder_that_was_fetched_meanwhile_makes_the_previews(
    taesd: Path, tmp_path: Path
) -> None:
    home = tiny.home(tmp_path, "sd1")
    engine = DiffusionEngine(home, "cpu")
    linear = draw(engine, "sd1")
    previews_folder(home).mkdir(parents=True)
    (previews_folder(home) / "taesd").symlink_to(taesd)
    sharp = draw(engine, "sd1")
    (small,), (large,) = sizes(linear), sizes(sharp)
    assert small is not None
    assert large == Size(small.width * 8, small.height * 8)


def test_the_preview_is_what_the_decoder_says(taesd: Path) -> None:
    model = loading.load(tiny.entry("sd1"), DEVICES["cpu"])
    model.tiny_decoder = loading.load_tiny_decoder(taesd, model)
    latents = torch.randn(1, 4, 6, 9, generator=torch.Generator().manual_seed(1))
    decoder = diffusers.AutoencoderTiny.from_pretrained(taesd).eval()
    with torch.no_grad():
        wanted = conversion.to_pixels(decoder.decode(latents).sample)
    assert (conversion.look(model, latents) == wanted).all()


def test_a_large_preview_is_made_smaller(taesd: Path) -> None:
    model = loading.load(tiny.entry("sd1"), DEVICES["cpu"])
    model.tiny_decoder = loading.load_tiny_decoder(taesd, model)
    seen = conversion.look(model, torch.zeros(1, 4, 64, 48))
    assert seen.shape == (conversion.LOOK_SIDE, 192, 3)


@pytest.mark.parametrize("broken", ["weights", "config", "channels"])
def test_a_decoder_that_does_not_load_costs_no_picture(
    broken: str, taesd: Path, tmp_path: Path
) -> None:
    home = tiny.home(tmp_path, "sd1")
    folder = previews_folder(home) / "taesd"
    if broken == "channels":
        few = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
        diffusers.AutoencoderTiny(latent_channels=16, **few).save_pretrained(folder)
    else:
        folder.mkdir(parents=True)
        for file in taesd.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        name = {"weights": "diffusion_pytorch_model.safetensors", "config": "config.json"}[broken]
        (folder / name).write_bytes(b"broken")
    engine = DiffusionEngine(home, "cpu")
    assert sizes(draw(engine, "sd1")) == sizes(
        draw(DiffusionEngine(tiny.home(tmp_path / "plain", "sd1"), "cpu"), "sd1")
    )


def test_a_model_with_a_vae_of_its_own_is_not_shown_by_another_ones_decoder(taesd: Path) -> None:
    model = loading.load(tiny.entry("starter-like"), DEVICES["cpu"])
    assert loading.load_tiny_decoder(taesd, model) is None


@pytest.mark.parametrize("failure", [torch.OutOfMemoryError("full"), RuntimeError("sizes")])
def test_the_run_goes_on_without_a_decoder_that_fails_and_says_so_once(
    failure: Exception, taesd: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = loading.load(tiny.entry("sd1"), DEVICES["cpu"])
    model.tiny_decoder = loading.load_tiny_decoder(taesd, model)

    def full(*_: object, **__: object) -> None:
        raise failure

    model.tiny_decoder.decode = full
    told: list[tuple[Progress, bytes]] = []
    meter = Meter("job", 1, lambda *step: told.append(step))
    region = Region(0, 0, 64, 64)
    window = Window(Size(64, 64), Size(64, 64), region)
    preview = Preview(model, meter, 0, 1, region, window)
    latents = torch.zeros(1, 4, 8, 8)
    scheduler = SimpleNamespace(config=SimpleNamespace(prediction_type="sample"))
    step = SimpleNamespace(done=1, prediction=latents, scheduler=scheduler)
    for _ in range(2):
        preview(step, latents)
    assert len(told) == 2
    assert sizes(told) == {Size(8, 8)}
    assert len(caplog.records) == 1
