"""GIMP without windows: scripts that fill a selection, and what they are told when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from daemons import NO_LIST, Daemon, running
from gimp_harness import Gimp

from scumble.link.home import Home

pytestmark = [pytest.mark.gimp, pytest.mark.slow, pytest.mark.timeout(400)]

SCHEME = """
(let* ((image (car (gimp-image-new 200 160 RGB)))
       (layer (car (gimp-layer-new image "below" 200 160 RGBA-IMAGE 100 LAYER-MODE-NORMAL))))
  (gimp-image-insert-layer image layer 0 0)
  {select}
  (scumble-fill #:run-mode RUN-NONINTERACTIVE #:image image #:drawables (vector layer)
                #:prompt "a scheme" #:seed 3 #:steps 2 #:strength 0.9 #:results 2)
  (gimp-xcf-save RUN-NONINTERACTIVE image "{file}"))
"""
SELECT = "(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 20 20 90 90)"

PYTHON = """
from gi.repository import Gimp, Gio
image = Gimp.Image.new(200, 160, Gimp.ImageBaseType.RGB)
fill = Gimp.get_pdb().lookup_procedure("scumble-generate")
config = fill.create_config()
config.set_property("image", image)
config.set_property("prompt", "a snake")
config.set_property("seed", 5)
config.set_property("steps", 2)
values = fill.run(config)
with open("{file}", "w") as told:
    layers = values.index(1) if values.length() > 1 else None
    print(values.index(0).value_nick, layers, file=told)
"""


def scheme(gimp: Gimp, code: str) -> tuple[int, str]:
    words = ["--batch-interpreter=plug-in-script-fu-eval", "-b", " ".join(code.split()), "--quit"]
    return gimp.batch(*words)


def python(gimp: Gimp, code: str) -> str:
    """What the script told of the call."""
    script, told = gimp.home / "script.py", gimp.home / "told.txt"
    told.unlink(missing_ok=True)
    script.write_text(code.format(file=told))
    call = f"exec(open('{script}').read())"
    _, log = gimp.batch("--batch-interpreter=python-fu-eval", "-b", call, "--quit")
    assert told.exists(), log[-3000:]
    return told.read_text().strip()


def test_without_a_backend_a_script_is_told_how_to_get_one(gimp: Gimp) -> None:
    told = python(gimp, PYTHON)
    assert told.startswith("execution-error"), told
    assert "Scumble's backend is not installed. Run: python3 installer install" in told


def test_a_script_is_told_where_the_models_cannot_be_listed(gimp: Gimp) -> None:
    with running(Home(gimp.daemon_home), **NO_LIST) as daemon:
        daemon.connection()
        told = python(gimp, PYTHON)
    assert told.startswith("execution-error"), told
    assert "stumbled over this request" in told


def test_python_fu_draws(gimp: Gimp, daemon: Daemon) -> None:
    assert python(gimp, PYTHON) == "success ['a snake (seed 5)']"


def test_script_fu_fills_a_selection(gimp: Gimp, daemon: Daemon) -> None:
    file = gimp.home / "scheme.xcf"
    status, log = scheme(gimp, SCHEME.format(select=SELECT, file=file))
    assert status == 0, log[-3000:]
    saved = Path(file).read_bytes()
    assert b"a scheme (seed 3)" in saved
    assert b"a scheme (seed 4)" in saved


def test_script_fu_is_told_that_nothing_is_selected(gimp: Gimp, daemon: Daemon) -> None:
    file = gimp.home / "nothing.xcf"
    status, log = scheme(gimp, SCHEME.format(select="", file=file))
    assert status != 0
    assert "Nothing is selected. Select what to fill first." in log, log[-3000:]
    assert not file.exists(), "the script must not go on"
