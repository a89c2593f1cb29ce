"""The machinery of a run: shared work, averages, resuming, and the VAE's start."""

import copy
import json
import os
import signal
from pathlib import Path

import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock
from torch import nn
from transformers import CLIPTokenizer

from scumble.training import checkpoints, export, latents, linear_start, looks, tokens, unet, vae
from scumble.training.begin import begin
from scumble.training.clip import encode
from scumble.training.workers import Workers


def squared(module: nn.Module, piece: torch.Tensor) -> torch.Tensor:
    return module(piece).square().mean()


def test_two_workers_find_the_gradient_that_one_finds() -> None:
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    batch = torch.randn(8, 3)
    squared(module, batch).backward()
    expected = module.weight.grad.clone()
    total = Workers(module, 2).backward(squared, list(batch.chunk(4)))
    torch.testing.assert_close(module.weight.grad, expected)
    assert total == pytest.approx(squared(module, batch).item(), rel=1e-5)


def test_workers_see_what_the_optimizer_did() -> None:
    module = nn.Linear(3, 2)
    workers = Workers(module, 2)
    optimizer = torch.optim.AdamW(module.parameters(), 0.1, fused=True)
    workers.backward(squared, list(torch.randn(8, 3).chunk(4)))
    optimizer.step()
    for twin in workers.modules[1:]:
        assert torch.equal(twin.weight, module.weight)


def test_a_run_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    def start() -> checkpoints.Run:
        torch.manual_seed(5)
        module = nn.Linear(4, 4)
        return checkpoints.Run(
            tmp_path / "run.pt", module, torch.optim.AdamW(module.parameters(), 0.1), decay=0.9
        )

    def step(run: checkpoints.Run) -> None:
        run.optimizer.zero_grad()
        run.module(torch.ones(2, 4)).square().mean().backward()
        run.optimizer.step()
        run.advance()

    first = start()
    for _ in range(3):
        step(first)
    first.save()
    second = start()
    assert second.step == 3
    for _ in range(checkpoints.AVERAGED):
        step(first)
        step(second)
    assert torch.equal(first.module.weight, second.module.weight)
    assert torch.equal(first.average.module.weight, second.average.module.weight)
    assert not list(tmp_path.glob("*.part"))


def test_asked_to_stop_it_saves_and_the_process_ends(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    module = nn.Linear(2, 2)
    run = checkpoints.Run(
        tmp_path / "run.pt", module, torch.optim.AdamW(module.parameters()), decay=0.9
    )
    assert run.going(1)
    run.advance()
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        run.going(1)
    assert ended.value.code == 128 + signal.SIGTERM
    assert torch.load(tmp_path / "run.pt", weights_only=True)["step"] == 1
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("folder", [False, True])
def test_what_was_not_finished_does_not_appear(tmp_path: Path, folder: bool) -> None:
    target = tmp_path / "made" / "target"

    def write(part: Path, text: str) -> None:
        if folder:
            part.mkdir()
            part = part / "file"
        part.write_text(text)

    def interrupted() -> None:
        with checkpoints.appearing(target) as part:
            write(part, "half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not target.exists()
    with checkpoints.appearing(target) as part:
        write(part, "whole")
    assert (target / "file" if folder else target).read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_the_learning_rate_warms_up_and_falls_to_its_floor() -> None:
    rates = [checkpoints.warm_up_then_decay(step, 1000, warm_up=100) for step in range(1001)]
    assert rates[0] < 0.02
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[-1] == pytest.approx(0.1)


def test_groups_of_parameters_learn_at_their_share_of_the_rate(tmp_path: Path) -> None:
    module = nn.Linear(4, 4)
    groups = [{"params": [module.weight]}, {"params": [module.bias], "share": 0.25}]
    run = checkpoints.Run(tmp_path / "run.pt", module, torch.optim.AdamW(groups, 1.0), decay=0.9)
    run.seconds = 60.0
    run.set_rate(0.4, 1, warm_up=10, floor=0.5)
    assert [group["lr"] for group in run.optimizer.param_groups] == pytest.approx([0.2, 0.05])


@pytest.fixture
def listener(tmp_path: Path) -> Path:
    """Eight whole pictures with their captions, what a text encoder knows, and a U-Net's run."""
    tokenizer = tokens.train(["red apple", "green pear"])
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    count = 8
    empty = torch.zeros(count, 4, latents.SIDE, latents.SIDE)
    shard = {
        "latents": torch.randn(empty.shape, generator=torch.Generator().manual_seed(0)),
        "visible": empty,
        "mask": torch.ones_like(empty[:, :1]),
        "ground": torch.zeros_like(empty[:, :1], dtype=torch.bool),
        "smooth": torch.zeros(len(empty), 1, 1, 1, dtype=torch.bool),
        "captions": json.dumps([["red apple"] * 3, ["green pear"] * 3] * (count // 2)),
    }
    checkpoints.save(tmp_path / "latents" / "0000.pt", shard)
    known = {name: value + 1 for name, value in unet.text_model(tokenizer).state_dict().items()}
    checkpoints.save(tmp_path / "text.pt", known)
    weights = unet.Drawer(unet.text_model(tokenizer)).state_dict()
    state = {"module": weights, "average": weights, "optimizer": {"of": "before"}, "step": 7}
    checkpoints.save(tmp_path / "unet.pt", state)
    return tmp_path


def test_what_captions_look_like_is_learned_on_and_the_unet_listens(listener: Path) -> None:
    known = torch.load(listener / "text.pt", weights_only=True)
    weights = torch.load(listener / "unet.pt", weights_only=True)["module"]

    looks.train(listener, minutes=0)  # no time to learn anything new

    listening = torch.load(listener / "unet.pt", weights_only=True)
    assert (listening["step"], listening["optimizer"]) == (7, None)
    for name, value in torch.load(listener / "text.pt", weights_only=True).items():
        assert torch.equal(value, known[name])
        assert torch.equal(value, listening["module"][f"text.{name}"])
        assert torch.equal(value, listening["average"][f"text.{name}"])
    for name in ("unet.conv_in.weight", "unet.conv_out.bias"):
        assert torch.equal(listening["module"][name], weights[name])


def test_looks_that_have_had_their_minutes_are_not_handed_on_again(listener: Path) -> None:
    looks.train(listener, minutes=1e-5)
    path = listener / "unet.pt"
    state = torch.load(path, weights_only=True)
    name = "text.final_layer_norm.bias"
    state["module"][name] += 1  # taught on by the U-Net
    checkpoints.save(path, {**state, "optimizer": {"of": "this"}})
    looks.train(listener, minutes=1e-5)
    again = torch.load(path, weights_only=True)
    assert again["optimizer"] == {"of": "this"}
    assert torch.equal(again["module"][name], state["module"][name])


def test_looks_that_are_asked_to_stop_are_not_handed_on(
    listener: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (listener / "text.pt").unlink()
    monkeypatch.setattr(
        checkpoints.Run, "set_rate", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)
    )
    with pytest.raises(SystemExit):
        looks.train(listener, minutes=5)
    assert not (listener / "text.pt").exists()
    assert torch.load(listener / "unet.pt", weights_only=True)["optimizer"] == {"of": "before"}
    assert torch.load(listener / "looks.pt", weights_only=True)["step"] == 1


def test_the_vae_starts_as_principal_components() -> None:
    torch.manual_seed(0)
    grid = torch.rand(6, 3, 4, 4) * 2 - 1
    images = nn.functional.interpolate(grid, (64, 64), mode="bilinear")
    images += 0.05 * torch.randn_like(images)
    module = linear_start.start(vae.new(), images).eval()
    assert vae.psnr(module, images) > 20
    latents = module.encode(images).latent_dist.mode()
    assert latents.shape == (6, 4, 8, 8)
    torch.testing.assert_close(
        linear_start.one_convolution(module)(images), latents, atol=0.05, rtol=0.05
    )


def test_training_goes_on_from_a_saved_folder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    tokenizer = tokens.train(["a red apple"] * 3)
    tokenizer.save_pretrained(tmp_path / "first" / "tokenizer")
    drawer = unet.Drawer(
        unet.text_model(CLIPTokenizer.from_pretrained(tmp_path / "first/tokenizer"))
    )
    torch.nn.init.normal_(drawer.unet.conv_out.weight)
    whole = export.assemble(vae.new(), copy.deepcopy(drawer), tokenizer)
    export.write(whole, tmp_path / "saved")
    begin(tmp_path / "saved", tmp_path / "second")
    again, read = unet.load(tmp_path / "second")
    assert len(read) == len(tokenizer)
    torch.testing.assert_close(
        again.unet.conv_out.weight, drawer.unet.conv_out.weight, atol=1e-3, rtol=1e-3
    )
    assert vae.load(tmp_path / "second").config.latent_channels == vae.LATENT_CHANNELS


@pytest.mark.parametrize("way", ["cross-attention", "pooled"])
def test_captions_reach_the_network_on_two_ways(way: str) -> None:
    torch.manual_seed(2)
    module = unet.new().eval()
    for part in module.modules():  # they begin by adding nothing
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, std=0.02)
        if way == "pooled" and isinstance(part, BasicTransformerBlock):
            nn.init.zeros_(part.attn2.to_v.weight)
    if way == "cross-attention":
        nn.init.zeros_(module.add_embedding.proj.weight)
        nn.init.zeros_(module.add_embedding.norm2.weight)
        nn.init.zeros_(module.add_embedding.norm2.bias)
    given, steps = torch.randn(1, 9, 16, 16), torch.tensor([500])
    one, other = (module(given, steps, torch.randn(1, 32, 256)).sample for _ in range(2))
    assert one.shape == (1, 4, 16, 16)
    assert (one - other).abs().mean() > 1e-3


def test_an_untrained_network_says_nothing() -> None:
    module = unet.new().eval()
    said = module(torch.randn(1, 9, 16, 16), torch.tensor([500]), torch.randn(1, 32, 256)).sample
    assert not said.any()


def test_pixels_survive_the_way_to_tensors_and_back() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 8, 8, 4)[..., :3].contiguous().numpy()
    assert (vae.to_pixels(vae.to_tensor(pixels)) == pixels).all()


def test_the_tokenizer_pads_cuts_and_spells_what_it_never_saw() -> None:
    tokenizer = tokens.train(["a red apple", "a blue boat on a white background"] * 3)
    ids = encode(tokenizer, ["a red apple", "", "zyx " * 40])
    assert ids.shape == (3, tokens.LENGTH)
    assert ids[1, 0] == tokenizer.bos_token_id
    assert (ids[1, 1:] == tokenizer.eos_token_id).all()
    assert ids[2, -1] == tokenizer.eos_token_id
    assert encode(tokenizer, ["A Red APPLE"]).tolist() == ids[:1].tolist()
    assert tokenizer.decode(ids[0], skip_special_tokens=True).strip() == "a red apple"


def test_the_decoder_learns_from_roughened_latents_and_the_encoder_nothing() -> None:
    torch.manual_seed(0)
    latent = torch.zeros(64, 4, 4, 4)
    spread = vae.rough(latent).std(dim=(1, 2, 3))
    assert spread.max() < 1.5 * vae.ROUGHNESS
    assert spread.max() > 4 * spread.min()  # some of them hardly
    module = vae.new()
    vae.lesson(module, torch.rand(1, 3, 32, 32)).backward()
    assert module.encoder.conv_in.weight.grad is None
    assert module.decoder.conv_in.weight.grad.any()


def test_lessons_are_made_by_an_encoder_of_principal_components_only() -> None:
    torch.manual_seed(0)
    images = nn.functional.interpolate(torch.rand(6, 3, 8, 8) * 2 - 1, (64, 64), mode="bilinear")
    module = linear_start.start(vae.new(), images).eval().requires_grad_(False)
    picture = torch.rand(1, 3, vae.SIZE, vae.SIZE) * 2 - 1
    hidden = picture.clone()
    hidden[..., 32:96, 32:96] = 0
    encode = latents.encoder(module)
    same = (encode(picture) == encode(hidden)).all(dim=1)[0]
    assert not same[4:12, 4:12].any()
    same[4:12, 4:12] = True
    assert same.all()
    nn.init.normal_(module.encoder.mid_block.resnets[0].conv2.weight)
    with pytest.raises(ValueError, match="principal components"):
        latents.encoder(module)


def test_a_folder_that_was_being_replaced_is_found_again(tmp_path: Path) -> None:
    tokenizer = tokens.train(["a red apple"])
    pipeline = export.assemble(vae.new(), unet.Drawer(unet.text_model(tokenizer)), tokenizer)
    target = tmp_path / "starter"
    (tmp_path / "starter.old").mkdir()
    (tmp_path / "starter.old" / "README.md").write_text("the card")
    export.write(pipeline, target)
    assert (target / "README.md").read_text() == "the card"
    assert [path.name for path in tmp_path.iterdir()] == ["starter"]
