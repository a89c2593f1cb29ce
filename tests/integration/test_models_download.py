"""Models come from a hub: only what is needed, resumed, checked, and offline from then on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hub_server import Hub
from model_headers import checkpoint, diffusers_folder, lora
from safetensors.numpy import save, save_file

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.models import acquire, copying, download
from scumble.models.entry import LoraEntry, ModelEntry
from scumble.models.hub import Plan
from scumble.models.registry import Registry

REPOSITORY = "painters/oil"
UNET = "unet/diffusion_pytorch_model.fp16.safetensors"
NEEDED = {
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.fp16.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "unet/config.json",
    UNET,
    "vae/config.json",
    "vae/diffusion_pytorch_model.fp16.safetensors",
}


@pytest.fixture(autouse=True)
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))  # no token of the person who runs this


@pytest.fixture
def models(tmp_path: Path) -> Registry:
    return Registry(Home(tmp_path / "home"), starter=None)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def repository(tmp_path: Path) -> dict[str, bytes]:
    """A repository as they are: every precision, pickles, and much that nobody needs."""
    files = folder_bytes(diffusers_folder(tmp_path / "remote"))
    files |= folder_bytes(diffusers_folder(tmp_path / "remote-half", ".fp16"))
    random = np.random.default_rng(0)
    files[UNET] = save({"x": random.normal(size=200_000).astype(np.float16)})
    files["unet/diffusion_pytorch_model.bin"] = b"\x80\x02pickle"
    files["unet/diffusion_pytorch_model.non_ema.safetensors"] = b"unused"
    files["tokenizer/vocab.json"] = b"{}"
    files["tokenizer/merges.txt"] = b"#version: 0.2"
    files["safety_checker/model.fp16.safetensors"] = b"unused"
    files["vae_1_0/diffusion_pytorch_model.safetensors"] = b"unused"
    files["big-checkpoint.safetensors"] = b"unused"
    files["../../escape.json"] = b"{}"
    files["README.md"] = b"# Oil"
    return files


def get(hub: Hub, models: Registry, source: str = REPOSITORY) -> acquire.Acquired:
    plan = acquire.plan(source, endpoint=hub.endpoint)
    return acquire.acquire(models, plan, endpoint=hub.endpoint)


def caught(code: ErrorCode) -> pytest.RaisesExc[ScumbleError]:
    return pytest.RaisesExc(ScumbleError, check=lambda e: e.code is code and bool(e.info.hint))


def test_what_is_needed_comes_and_stays_without_the_hub(
    models: Registry, repository: dict[str, bytes]
) -> None:
    heard: list[tuple[int, int]] = []
    with Hub({REPOSITORY: repository}) as hub:
        plan = acquire.plan(REPOSITORY, endpoint=hub.endpoint)
        assert (plan.licence, plan.commit[:6]) == ("creativeml-openrail-m", "012345")
        assert plan.licence_page.startswith("https://")
        assert {file.path for file in plan.files} == NEEDED
        entry = acquire.acquire(
            models, plan, report=lambda *said: heard.append(said), endpoint=hub.endpoint
        )
        assert {name for name, _, _ in hub.served} == NEEDED
    assert isinstance(entry, ModelEntry)
    assert heard[-1] == (plan.size, plan.size)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    # the hub is gone: everything below is offline
    assert models.list() == [entry]
    assert (entry.id, entry.variant, entry.managed) == ("oil", "fp16", True)
    assert (entry.licence, entry.source) == ("creativeml-openrail-m", REPOSITORY)
    assert len(entry.sha256) == 64
    assert download.verify(Path(entry.path)) == ()
    assert folder_bytes(Path(entry.path)).items() >= {n: repository[n] for n in NEEDED}.items()
    assert models.remove(entry.id) is True
    assert not Path(entry.path).exists()


def test_full_precision_takes_the_plain_files(repository: dict[str, bytes]) -> None:
    with Hub({REPOSITORY: repository}) as hub:
        plan = acquire.plan(REPOSITORY, full_precision=True, endpoint=hub.endpoint)
    assert {f.path for f in plan.files} == {name.replace(".fp16", "") for name in NEEDED}


def test_a_precision_that_one_part_lacks_is_not_taken(repository: dict[str, bytes]) -> None:
    del repository["vae/diffusion_pytorch_model.fp16.safetensors"]
    with Hub({REPOSITORY: repository}) as hub:
        plan = acquire.plan(REPOSITORY, endpoint=hub.endpoint)
    assert {f.path for f in plan.files} == {name.replace(".fp16", "") for name in NEEDED}


def test_a_line_that_drops_is_taken_up_at_once(
    models: Registry, repository: dict[str, bytes]
) -> None:
    with Hub({REPOSITORY: repository}, drop_after=250_000) as hub:
        entry = get(hub, models)
        assert isinstance(entry, ModelEntry)
        assert (Path(entry.path) / UNET).read_bytes() == repository[UNET]
        assert hub.sent(UNET) == len(repository[UNET])  # no byte twice


def test_a_download_goes_on_where_the_last_one_failed(
    models: Registry, repository: dict[str, bytes]
) -> None:
    with Hub({REPOSITORY: repository}, drop_after=250_000, then_refuse=True) as hub:
        with caught(ErrorCode.MODEL_MISSING):
            get(hub, models)
        assert models.list() == []
        hub.refuse, hub.drop_after = None, None
        entry = get(hub, models)
        assert hub.sent(UNET) == len(repository[UNET])
        assert [start for name, start, _ in hub.served if name == UNET] == [0, 250_000]
    assert isinstance(entry, ModelEntry)
    assert download.verify(Path(entry.path)) == ()


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "scumble", "models", *arguments]


def test_a_download_goes_on_after_its_process_was_killed(
    tmp_path: Path, repository: dict[str, bytes]
) -> None:
    environment = {**os.environ, "SCUMBLE_HOME": str(tmp_path / "home")}
    with Hub({REPOSITORY: repository}, pause=threading.Event()) as hub:
        arguments = command(tmp_path, "download", REPOSITORY, "--endpoint", hub.endpoint, "--json")
        child = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
        partial = tmp_path / "home/models/downloads/painters--oil" / (UNET + ".partial")
        half = len(repository[UNET]) // 2
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size >= half // 2):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        kept = partial.stat().st_size
        hub.pause.set()
        hub.pause = None
        done = subprocess.run(
            arguments, env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        assert max(start for name, start, _ in hub.served if name == UNET) == kept
    entry = json.loads(done.stdout)
    assert (Path(entry["path"]) / UNET).read_bytes() == repository[UNET]
    assert "Licence: creativeml-openrail-m" in done.stderr


def test_a_server_that_knows_no_ranges_does_no_harm(
    models: Registry, repository: dict[str, bytes]
) -> None:
    with Hub({REPOSITORY: repository}, drop_after=250_000, then_refuse=True) as hub:
        with caught(ErrorCode.MODEL_MISSING):
            get(hub, models)
        hub.refuse, hub.drop_after, hub.ignore_ranges = None, None, True
        entry = get(hub, models)
    assert isinstance(entry, ModelEntry)
    assert download.verify(Path(entry.path)) == ()


@pytest.mark.parametrize("name", [UNET, "unet/config.json"])
def test_bytes_that_arrive_wrong_are_not_kept(
    models: Registry, repository: dict[str, bytes], name: str
) -> None:
    with Hub({REPOSITORY: repository}, corrupt=name) as hub:
        with caught(ErrorCode.MODEL_REJECTED):
            get(hub, models)
        assert models.list() == []
        assert not list(models.models_dir.rglob(f"{name}*"))
        hub.corrupt = ""
        assert isinstance(get(hub, models), ModelEntry)


def test_damage_is_found_and_repaired_by_fetching_that_file_alone(
    models: Registry, repository: dict[str, bytes]
) -> None:
    with Hub({REPOSITORY: repository}) as hub:
        entry = get(hub, models)
        assert isinstance(entry, ModelEntry)
        folder = Path(entry.path)
        damaged = bytearray((folder / UNET).read_bytes())
        damaged[-7] ^= 64
        (folder / UNET).write_bytes(damaged)
        (folder / "vae/config.json").unlink()
        damage = download.verify(folder)
        assert damage is not None
        assert {item.path for item in damage} == {UNET, "vae/config.json"}
        hub.served.clear()
        download.repair(folder, endpoint=hub.endpoint)
        assert {name for name, _, _ in hub.served} == {UNET, "vae/config.json"}
    assert download.verify(folder) == ()


def test_a_second_download_moves_nothing(models: Registry, repository: dict[str, bytes]) -> None:
    with Hub({REPOSITORY: repository}) as hub:
        first = get(hub, models)
        hub.served.clear()
        assert get(hub, models) == first
        assert hub.served == []
    assert len(models.list()) == 1


def test_a_full_disk_is_told_before_anything_is_fetched(
    models: Registry, repository: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "RESERVE", 2**60)
    with Hub({REPOSITORY: repository}) as hub:
        with caught(ErrorCode.DISK_FULL):
            get(hub, models)
        assert hub.served == []


@pytest.mark.parametrize(
    ("status", "code", "expected", "word"),
    [
        (401, "GatedRepo", ErrorCode.MODEL_REJECTED, "licence"),
        (403, "GatedRepo", ErrorCode.MODEL_REJECTED, "licence"),
        (404, "RepoNotFound", ErrorCode.MODEL_MISSING, "no model"),
        (503, "", ErrorCode.MODEL_MISSING, "503"),
    ],
)
def test_refusals_are_one_sentence(
    models: Registry, status: int, code: str, expected: ErrorCode, word: str
) -> None:
    with Hub({}, refuse=(status, code)) as hub, pytest.raises(ScumbleError) as raised:
        get(hub, models)
    assert raised.value.code is expected
    assert word in raised.value.info.message


def test_without_a_network_one_sentence_says_so(models: Registry) -> None:
    with Hub({}) as hub:
        pass  # nobody listens on its port any more
    with caught(ErrorCode.MODEL_MISSING):
        get(hub, models)


@pytest.mark.parametrize(
    "source", ["", "oil", "a/b/c", "../x", "a//b", "https://x.y/a", "a/..", "ö/ä"]
)
def test_what_is_no_name_never_reaches_the_hub(source: str) -> None:
    with caught(ErrorCode.MODEL_REJECTED):
        acquire.plan(source, endpoint="http://127.0.0.1:9")


def test_a_login_page_is_not_taken_for_the_hub(models: Registry) -> None:
    with Hub({}, html=True) as hub, pytest.raises(ScumbleError) as raised:
        get(hub, models)
    assert "login page" in raised.value.info.hint


def test_a_body_without_an_end_is_cut(models: Registry, repository: dict[str, bytes]) -> None:
    endless = Hub({REPOSITORY: repository}, append=b"x" * 50_000_000)
    with endless as hub, caught(ErrorCode.MODEL_REJECTED):
        get(hub, models)
    assert not list(models.models_dir.rglob("*.partial"))


def test_a_foreign_pipeline_is_refused_before_its_weights_come(
    models: Registry, repository: dict[str, bytes]
) -> None:
    repository["model_index.json"] = b'{"_class_name": "TextToVideoSDPipeline"}'
    with Hub({REPOSITORY: repository}) as hub:
        with caught(ErrorCode.MODEL_REJECTED):
            get(hub, models)
        assert hub.sent(UNET) == 0
    assert not list(models.downloads_dir.iterdir())


def test_what_cannot_be_used_does_not_keep_its_gigabytes(models: Registry, tmp_path: Path) -> None:
    save_file({"double_blocks.0.img_attn.norm.key_norm.scale": np.zeros(1)}, tmp_path / "flux")
    files = {"flux.safetensors": (tmp_path / "flux").read_bytes()}
    with Hub({REPOSITORY: files}) as hub, pytest.raises(ScumbleError) as raised:
        get(hub, models)
    assert "Flux" in raised.value.info.message
    assert not list(models.downloads_dir.iterdir())


def test_two_files_of_one_repository_are_two_models(models: Registry, tmp_path: Path) -> None:
    files = {
        f"{name}.safetensors": checkpoint(tmp_path / name, extra={name: np.zeros(9)}).read_bytes()
        for name in ("a", "b")
    }
    with Hub({REPOSITORY: files}) as hub:
        for name in files:
            get(hub, models, f"{REPOSITORY}/{name}")
    assert models.remove("a") is True
    assert [entry.id for entry in models.list()] == ["b"]
    folder = acquire.downloaded_folder(models, "b")
    assert folder is not None
    assert download.verify(folder) == ()
    assert list(models.downloads_dir.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"model.ckpt": b"\x80"}, "pickle"),
        ({"a.safetensors": b"", "b.safetensors": b""}, "several"),
        ({"README.md": b""}, "no safetensors"),
        ({"model_index.json": b"{}", "transformer/model.safetensors": b""}, "no Stable Diffusion"),
        ({"model_index.json": b"{}", "unet/diffusion_pytorch_model.bin": b""}, "pickle"),
    ],
)
def test_repositories_of_no_use_are_refused(files: dict[str, bytes], word: str) -> None:
    with Hub({REPOSITORY: files}) as hub, pytest.raises(ScumbleError) as raised:
        acquire.plan(REPOSITORY, endpoint=hub.endpoint)
    assert raised.value.code is ErrorCode.MODEL_REJECTED
    assert word in raised.value.info.message


def test_one_checkpoint_of_several_is_fetched_by_its_name(models: Registry, tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "b.safetensors", "sdxl").read_bytes()
    with Hub({REPOSITORY: {"a.safetensors": b"", "b.safetensors": file}}) as hub:
        entry = get(hub, models, f"{REPOSITORY}/b.safetensors")
        assert [name for name, _, _ in hub.served] == ["b.safetensors"]
    assert isinstance(entry, ModelEntry)
    assert (entry.kind, entry.architecture, entry.id) == ("single_file", "sdxl", "b")
    assert models.remove("b") is True


def test_a_lora_goes_where_prompts_find_it(models: Registry, tmp_path: Path) -> None:
    file = lora(tmp_path / "pytorch_lora_weights.safetensors").read_bytes()
    source = "latent-consistency/lcm-lora-sdv1-5"
    with Hub({source: {"pytorch_lora_weights.safetensors": file}}) as hub:
        entry = get(hub, models, "lcm-sd15")
    assert isinstance(entry, LoraEntry)
    assert (entry.name, entry.architecture) == ("lcm-sd15", "sd1")
    assert Path(entry.path).read_bytes() == file
    folder = acquire.downloaded_folder(models, "lcm-sd15")
    assert folder is not None
    assert download.verify(folder) == ()
    assert models.remove("lcm-sd15") is True
    assert not folder.exists()


def test_a_preview_decoder_is_found_by_architecture(models: Registry, tmp_path: Path) -> None:
    save_file({"x": np.zeros(2000, np.float32)}, tmp_path / "w")
    files = {
        "config.json": b'{"_class_name": "AutoencoderTiny"}',
        "diffusion_pytorch_model.safetensors": (tmp_path / "w").read_bytes(),
        "taesd_encoder.pth": b"\x80",
    }
    with Hub({"madebyollin/taesd": files}) as hub:
        folder = get(hub, models, "taesd")
    assert isinstance(folder, Path)
    assert models.preview_decoder("sd2") == models.preview_decoder("sd1") == folder
    assert models.preview_decoder("sdxl") is None


def test_the_catalogues_word_on_a_model_counts(models: Registry, tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "x.safetensors", "sdxl").read_bytes()
    with Hub({"stabilityai/sdxl-turbo": {"x.safetensors": file}}) as hub:
        entry = get(hub, models, "sdxl-turbo")
    assert isinstance(entry, ModelEntry)
    assert (entry.id, entry.name, entry.native) == ("sdxl-turbo", "SDXL Turbo", 512)
    assert (entry.defaults.steps, entry.defaults.guidance_scale) == (4, 1.0)


def test_a_record_that_was_tampered_with_is_no_record(tmp_path: Path) -> None:
    (tmp_path / download.RECORD).write_text('{"repository": 3}')
    assert download.verify(tmp_path) is None
    with caught(ErrorCode.MODEL_REJECTED):
        download.repair(tmp_path)


def test_a_plan_that_points_outside_is_not_carried_out(tmp_path: Path) -> None:
    outside = {"../evil.safetensors": b"", "..\\evil.safetensors": b"", "C:evil.safetensors": b""}
    with Hub({REPOSITORY: {**outside, "a.safetensors": b"x" * 5000}}) as hub:
        plan = acquire.plan(REPOSITORY, endpoint=hub.endpoint)
    assert isinstance(plan, Plan)
    assert [file.path for file in plan.files] == ["a.safetensors"]
