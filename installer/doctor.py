"""What is wrong on this computer and how to mend it, one finding after the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from installer import kritarc
from installer.checkout import Checkout
from installer.daemon import leave_daemon
from installer.editors import Editor, Kind
from installer.environment import clean_environ
from installer.gimp import why_hidden
from installer.plan import Facts
from installer.plugins import module_folder, plugin_files
from installer.progress import Display
from installer.undo import read_config
from plugin.link.client import call
from plugin.link.errors import ScumbleError
from plugin.link.home import Install, find_install, read_connection

INSTALL = "Run: python3 installer install"
UPDATE = "Run: python3 installer update"
FREE_BYTES = 2 * 1024**3  # a Stable Diffusion model in half precision

# Prints one JSON object about the environment it runs in
_PROBE = """
import importlib, json
failed = {}
for name in %r:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
found = {"failed": failed}
if "torch" not in failed:
    import torch
    found["torch"] = torch.__version__
    found["cuda"] = torch.cuda.is_available()
    found["mps"] = torch.backends.mps.is_available()
    found["xpu"] = hasattr(torch, "xpu") and torch.xpu.is_available()
print(json.dumps(found))
"""
_IMPORTS = (
    "torch", "diffusers", "transformers", "accelerate", "peft", "compel", "safetensors",
    "huggingface_hub", "PIL", "numpy", "cv2", "scumble", "scumble.link",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. remedy: what mends it; "" when nothing is wrong."""

    what: str
    remedy: str = ""


def examine(facts: Facts, display: Display) -> list[Finding]:
    """Look at everything, show it, and return what is wrong."""
    wrong: list[Finding] = []
    looks: list[tuple[str, Callable[[Facts], Iterator[Finding]]]] = [
        ("environment", environment),
        ("backend", backend),
        ("editors", editors),
        ("disk", disk),
    ]
    for title, look in looks:
        with display.task(f"Looking at: {title}"):
            findings = list(look(facts))
        for finding in findings:
            display.say(f"  {finding.what}")
            if finding.remedy:
                display.say(f"    -> {finding.remedy}")
                wrong.append(finding)
    return wrong


def environment(facts: Facts) -> Iterator[Finding]:
    """The environment starts, imports everything, and was made from this source."""
    if not facts.works:
        yield Finding(
            f"There is no working Python environment in {facts.environment.folder}.", INSTALL
        )
        return
    found = _probe(facts.environment.python)
    if found is None:
        yield Finding(
            "The environment's Python does not run.", "Run: python3 installer update --fresh"
        )
        return
    for name, reason in sorted(found["failed"].items()):
        yield Finding(
            f"{name} cannot be imported: {reason}", "Run: python3 installer update --fresh"
        )
    if "torch" in found:
        device = next((kind for kind in ("cuda", "mps", "xpu") if found[kind]), "cpu")
        yield Finding(f"PyTorch {found['torch']} computes on: {device}.")
        if facts.card is not None and not found["cuda"]:
            yield Finding(
                f"{facts.card.name} is there, but PyTorch does not use it.",
                "Update the card's driver, then run: python3 installer update --fresh",
            )
    if (facts.stamp.dependencies, facts.stamp.source) != (facts.dependencies, facts.source):
        yield Finding("The installed backend is another version than this installer's.", UPDATE)
    install = find_install(None, facts.home)
    if install is None:
        yield Finding("Editors are not told where the backend is.", INSTALL)
    elif not Path(install.python).exists():
        yield Finding(f"Editors are sent to {install.python}, which is not there.", INSTALL)


def backend(facts: Facts) -> Iterator[Finding]:
    """The daemon starts, answers, and has a model to offer."""
    if not facts.works:
        return
    ran_before = read_connection(facts.home) is not None
    install = Install(str(facts.environment.python), str(facts.home.path), facts.version)
    try:
        worker = call(facts.home, "status", install=install).fields["worker"]
        offered = call(facts.home, "capabilities", install=install).fields["capabilities"]
    except ScumbleError as error:
        yield Finding(error.info.message, error.info.hint or f"Its log: {facts.home.log_file}")
        return
    yield Finding(f"The backend answers; its worker is {worker['state']}.")
    if worker["state"] in ("failed", "out_of_memory"):
        yield Finding(worker["message"] or "The worker failed.", f"Its log: {facts.home.log_file}")
    names = [model["name"] for model in offered["models"]]
    if names:
        yield Finding(f"Models: {', '.join(names)}.")
    else:
        yield Finding("There is no model.", "Run: python3 installer models download --help")
    if not ran_before:
        leave_daemon(facts.home, Display())


def editors(facts: Facts) -> Iterator[Finding]:
    """The plugin lies in every editor as it stands in this source, and is turned on."""
    served = [editor for editor in facts.editors if editor.kind in facts.plugins]
    if not served:
        yield Finding(
            "No editor was found.", "Install Krita, start it once, then run install again."
        )
    for editor in served:
        yield from _plugin(facts, editor)


def disk(facts: Facts) -> Iterator[Finding]:
    folder = facts.home.path
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    what = f"{free / 1024**3:.1f} GiB are free at {folder}."
    if free < FREE_BYTES:
        yield Finding(what, "Free some space, or set SCUMBLE_HOME to a folder on a larger disk.")
    else:
        yield Finding(what)


def _plugin(facts: Facts, editor: Editor) -> Iterator[Finding]:
    folder = editor.resources / module_folder(editor.kind)
    hidden = list(why_hidden(editor)) if editor.kind is Kind.GIMP else []
    for what, remedy in hidden:
        yield Finding(f"{editor.title}: {what}", remedy)
    if not folder.is_dir():
        yield Finding(f"{editor.title}: the plugin is not there.", INSTALL)
        return
    differing = differences(facts.checkout, editor)
    if differing:
        yield Finding(
            f"{editor.title}: {len(differing)} of the plugin's files are not this version's "
            f"({differing[0]}).",
            UPDATE,
        )
    install = find_install(folder, facts.home)
    if install is None or not Path(install.python).exists():
        yield Finding(f"{editor.title}: the plugin is not told where the backend is.", INSTALL)
    if editor.kritarc is not None:
        on = editor.kritarc.exists() and kritarc.enabled(read_config(editor.kritarc))
        if not on:
            yield Finding(
                f"{editor.title}: the plugin is not turned on.",
                "Settings > Configure Krita > Python Plugin Manager, or run install again.",
            )
            return
    if not differing and not hidden:
        yield Finding(f"{editor.title}: the plugin is there and up to date.")


def differences(checkout: Checkout, editor: Editor) -> list[str]:
    """Targets below the editor's resources that are missing, different, not ours, or cannot run."""
    expected = {file.target: file for file in plugin_files(checkout, editor.kind)}
    wrong = []
    for target, file in expected.items():
        path = editor.resources / target
        same = path.is_file() and path.read_bytes() == file.source.read_bytes()
        # GIMP passes over a plug-in that it may not run
        if not same or (file.executable and not os.access(path, os.X_OK)):
            wrong.append(target.as_posix())
    folder = editor.resources / module_folder(editor.kind)
    ours = {editor.resources / target for target in expected} | {folder / "install.json"}
    for path in sorted(folder.rglob("*.py")):
        if path not in ours:
            wrong.append(path.relative_to(editor.resources).as_posix())
    return wrong


def _probe(python: Path) -> dict[str, dict[str, str]] | None:
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _PROBE % (_IMPORTS,)],
            capture_output=True,
            text=True,
            timeout=300,
            env=clean_environ(),
        )
        found = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    return found if isinstance(found, dict) else None
