"""The list of models: in place by default, whole or not at all, the artist's files untouched."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_headers import checkpoint, diffusers_folder, lora

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.models import copying, registry
from scumble.models.entry import Defaults, LoraEntry, ModelEntry
from scumble.models.registry import Registry


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def models(home: Home) -> Registry:
    return Registry(home, starter=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "disk" / "Oil Painter v2.safetensors")


def refused(code: ErrorCode) -> pytest.RaisesExc[ScumbleError]:
    return pytest.RaisesExc(ScumbleError, check=lambda e: e.code is code and bool(e.info.hint))


def added(models: Registry, path: Path, **options: object) -> ModelEntry:
    entry = models.add(path, **options)  # type: ignore[arg-type]
    assert isinstance(entry, ModelEntry)
    return entry


def test_a_file_is_registered_where_it_lies(models: Registry, file: Path) -> None:
    entry = added(models, file)
    assert (entry.id, entry.name) == ("oil-painter-v2", "Oil Painter v2")
    assert (entry.path, entry.managed) == (str(file), False)
    assert entry.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert models.list() == [entry]
    assert models.get("oil-painter-v2") == entry


def test_another_process_sees_it_and_no_torch_is_imported(
    models: Registry, file: Path, home: Home
) -> None:
    added(models, file)
    code = (
        "import sys; from pathlib import Path; from scumble.link.home import Home;"
        "from scumble.models.registry import Registry;"
        f"print([e.id for e in Registry(Home(Path({str(home.path)!r})), None).list()],"
        "{'torch', 'numpy', 'diffusers', 'huggingface_hub'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['oil-painter-v2'] set()"


def test_the_same_path_is_registered_once(models: Registry, file: Path) -> None:
    assert added(models, file) == added(models, file)
    assert len(models.list()) == 1


def test_two_models_of_one_name_get_two_ids(models: Registry, tmp_path: Path) -> None:
    ids = [added(models, checkpoint(tmp_path / d / "a.safetensors")).id for d in ("x", "y", "z")]
    assert ids == ["a", "a-2", "a-3"]


@pytest.mark.parametrize(
    ("name", "model_id"),
    [("Ölbild (v2)!", "olbild-v2"), ("猫", "model"), ("../../x", "x"), ("a" * 90, "a" * 48)],
)
def test_ids_are_plain(models: Registry, file: Path, name: str, model_id: str) -> None:
    assert added(models, file, name=name).id == model_id


def test_nobody_else_is_called_starter(models: Registry, tmp_path: Path) -> None:
    assert added(models, checkpoint(tmp_path / "starter.safetensors")).id == "starter-2"


def test_removing_leaves_the_artists_file(models: Registry, file: Path) -> None:
    assert models.remove(added(models, file).id) is False
    assert file.exists()
    assert models.list() == []
    with refused(ErrorCode.MODEL_MISSING):
        models.get("oil-painter-v2")


def test_a_copy_is_scumbles_own_and_goes_with_its_entry(models: Registry, file: Path) -> None:
    heard: list[tuple[int, int]] = []
    entry = added(models, file, copy=True, report=lambda done, total: heard.append((done, total)))
    copy = Path(entry.path)
    assert copy != file
    assert copy.read_bytes() == file.read_bytes()
    assert heard[-1] == (file.stat().st_size,) * 2
    assert models.remove(entry.id) is True
    assert not copy.exists()
    assert file.exists()


def test_a_disk_that_is_full_is_told_before_a_byte_is_copied(
    models: Registry, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "RESERVE", 2**60)
    with refused(ErrorCode.DISK_FULL):
        models.add(file, copy=True)
    assert models.list() == []
    assert not list(models.models_dir.rglob("*.safetensors"))


def test_a_broken_file_changes_nothing(models: Registry, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    with refused(ErrorCode.MODEL_REJECTED):
        models.add(file)
    assert models.list() == []


def test_the_hash_follows_the_file(models: Registry, file: Path) -> None:
    entry = added(models, file)
    checkpoint(file, extra={"more": np.zeros(9, np.float16)})
    assert models.get(entry.id).sha256 == ""
    value = models.sha256(entry.id)
    assert value == hashlib.sha256(file.read_bytes()).hexdigest() != entry.sha256
    assert models.get(entry.id).sha256 == value


def test_large_models_are_hashed_when_asked_and_once(
    models: Registry, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "HASH_AT_ONCE", 0)
    entry = added(models, file)
    assert entry.sha256 == ""
    read: list[int] = []
    first = models.sha256(entry.id, lambda done, _: read.append(done))
    assert models.sha256(entry.id, lambda *_: pytest.fail("read twice")) == first
    assert read
    assert models.list()[0].sha256 == first


def test_a_folders_hash_covers_weights_and_configurations(models: Registry, tmp_path: Path) -> None:
    folder = diffusers_folder(tmp_path / "folder")
    entry = added(models, folder)
    assert len(entry.sha256) == 64
    (folder / "unet" / "config.json").write_text('{"in_channels": 9}')
    assert models.sha256(entry.id) != entry.sha256


def test_a_model_whose_disk_is_away_stays_in_the_list(models: Registry, file: Path) -> None:
    entry = added(models, file)
    file.rename(file.with_name("elsewhere"))
    assert "not there" in models.list()[0].note
    file.with_name("elsewhere").rename(file)
    assert models.list() == [entry]


def test_the_starter_comes_first_and_stays(home: Home, tmp_path: Path, file: Path) -> None:
    models = Registry(home, starter=diffusers_folder(tmp_path / "starter"))
    added(models, file)
    first, second = models.list()
    assert (first.id, first.name, second.id) == ("starter", "Scumble starter", "oil-painter-v2")
    assert "scumble models download" in first.note
    with refused(ErrorCode.UNSUPPORTED):
        models.remove("starter")
    assert len(models.sha256("starter")) == 64


@pytest.mark.parametrize("state", ["absent", "half"])
def test_without_a_whole_starter_the_list_goes_on(home: Home, tmp_path: Path, state: str) -> None:
    folder = tmp_path / "starter"
    if state == "half":
        (diffusers_folder(folder) / "unet" / "config.json").unlink()
    assert Registry(home, starter=folder).list() == []


def test_a_folder_may_say_its_own_name_note_and_defaults(models: Registry, tmp_path: Path) -> None:
    folder = diffusers_folder(tmp_path / "folder")
    said = {"sampler": "ddim", "steps": 20, "guidance_scale": 4}
    text = json.dumps({"name": "Little one", "note": "Draws apples.", "defaults": said})
    (folder / "scumble.json").write_text(text)
    entry = added(models, folder)
    assert (entry.name, entry.note) == ("Little one", "Draws apples.")
    assert entry.defaults == Defaults("ddim", 20, 4.0)


@pytest.mark.parametrize(
    ("name", "steps", "sampler"),
    [
        ("painter", 25, "dpmpp_2m_karras"),
        ("painter-turbo", 4, "euler_a"),
        ("Painter_LCM_v1", 6, "lcm"),
        ("calcmodel", 25, "dpmpp_2m_karras"),
    ],
)
def test_distilled_models_start_with_few_steps(
    models: Registry, tmp_path: Path, name: str, steps: int, sampler: str
) -> None:
    defaults = added(models, checkpoint(tmp_path / f"{name}.safetensors")).defaults
    assert (defaults.steps, defaults.sampler) == (steps, sampler)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"models": 7}', "[" * 50000])
def test_a_broken_list_is_kept_aside_and_work_goes_on(
    models: Registry, file: Path, text: str
) -> None:
    path = models.models_dir / "registry.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert models.list() == []
    added(models, file)
    assert len(models.list()) == 1
    assert path.with_suffix(".broken.json").read_text() == text


def test_a_record_that_cannot_be_understood_costs_no_other(models: Registry, file: Path) -> None:
    added(models, file)
    path = models.models_dir / "registry.json"
    data = json.loads(path.read_text())
    later = {**data["models"][0], "id": "later", "path": "/x", "from_a_later_version": 1}
    path.write_text(json.dumps({**data, "models": [later, 7, *data["models"]]}))
    assert [entry.id for entry in models.list()] == ["oil-painter-v2"]
    models.remove("oil-painter-v2")
    assert [record["id"] for record in json.loads(path.read_text())["models"]] == ["later"]


@pytest.mark.parametrize("looked", [(Path, "exists"), (registry.digest, "known")])
def test_files_that_cannot_even_be_looked_at_are_away(
    models: Registry, file: Path, monkeypatch: pytest.MonkeyPatch, looked: tuple[Any, str]
) -> None:
    added(models, file)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "another account's disk")

    monkeypatch.setattr(*looked, refuse)
    assert [(entry.id, entry.note) for entry in models.list()] == [
        ("oil-painter-v2", "Its files are not there at the moment.")
    ]


def test_many_at_once_lose_nothing(models: Registry, tmp_path: Path) -> None:
    files = [checkpoint(tmp_path / f"m{n}.safetensors") for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda f: Registry(Home(tmp_path / "home"), None).add(f), files))
    assert {entry.id for entry in models.list()} == {f"m{n}" for n in range(12)}


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path, file: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with refused(ErrorCode.DISK_FULL):
        Registry(Home(tmp_path / "taken"), None).add(file)


def test_a_lora_is_linked_listed_and_unlinked(models: Registry, tmp_path: Path) -> None:
    origin = lora(tmp_path / "disk" / "Glow.safetensors", 2048)
    entry = models.add(origin)
    assert entry == LoraEntry("Glow", entry.path, "sdxl", origin.stat().st_size)
    assert models.list() == []
    assert models.loras.list() == (entry,)
    assert models.loras.find("glow.SAFETENSORS") == entry
    assert Path(entry.path).parent == models.models_dir / "loras"
    assert models.add(origin) == entry
    assert models.remove("Glow") is False
    assert origin.exists()
    assert models.loras.list() == ()


def test_a_copied_lora_goes_with_its_entry(models: Registry, tmp_path: Path) -> None:
    origin = lora(tmp_path / "glow.safetensors")
    entry = models.add(origin, "shine", copy=True)
    assert (entry.name, Path(entry.path).is_symlink()) == ("shine", False)
    assert models.remove("shine") is True
    assert origin.exists()


def test_loras_put_there_by_hand_count(models: Registry, tmp_path: Path) -> None:
    folder = models.models_dir / "loras"
    lora(folder / "style" / "ink.safetensors")
    (folder / "cut.safetensors").write_bytes(b"\0" * 20)
    checkpoint(folder / "whole.safetensors")
    found = {entry.name: entry for entry in models.loras.list()}
    assert set(found) == {"ink", "cut", "whole"}
    assert found["ink"].error == ""
    assert found["cut"].error
    assert "no LoRA" in found["whole"].error


def test_a_lora_does_not_take_anothers_name(models: Registry, tmp_path: Path) -> None:
    models.add(lora(tmp_path / "a" / "glow.safetensors"))
    with refused(ErrorCode.MODEL_REJECTED):
        models.add(lora(tmp_path / "b" / "glow.safetensors", 1024))
    with refused(ErrorCode.MODEL_MISSING):
        models.loras.find("../../etc/passwd")


def test_a_changed_file_is_seen_by_verify(models: Registry, file: Path) -> None:
    entry = added(models, file)
    assert models.verify(entry.id) == []
    status = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # as a failing disk would
    assert len(models.verify(entry.id)) == 1
    file.write_bytes(content[:-1])
    assert "cut short" in models.verify(entry.id)[0]
