"""Makes the README's pictures: a fill by the starter model in a real Krita and a real GIMP.

    python tests/editors/take_screenshot.py [--prompt P] [--selection X,Y,W,H] [krita] [gimp]

They become plugin/krita/screenshot.png and plugin/gimp/screenshot.png, those
of the work under way go beside them in --working FOLDER. GIMP needs its Debian
folder (debian_folder.sh). Run it again when the starter model was trained anew.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from daemons import running  # noqa: E402
from debian import ALWAYS  # noqa: E402
from gimp_harness import Gimp  # noqa: E402
from krita_harness import KritaHome, run_krita  # noqa: E402

from scumble.link.home import Home  # noqa: E402

SAMPLE = ROOT / "installer" / "sample" / "meadow.png"
SCENARIO = "picture_for_the_readme"
LIMIT = 300.0  # seconds
SCREEN = (1600, 1000)
# xdotool's words: Scumble's window on the left, GIMP's own beside it
LAYOUT = (
    "search --onlyvisible --name ^Scumble windowmove 0 0 windowsize 400 1000 "
    "search --onlyvisible --name GIMP$ windowmove 400 0 windowsize 1200 1000"
)


def krita(folder: Path, home: Home, prompt: str, selection: str) -> Path:
    """The folder with screenshot.png and working.png."""
    editor = KritaHome(folder / "krita")
    editor.create()
    environ = {
        "SCUMBLE_HOME": str(home.path),
        "SCUMBLE_PROBE_PICTURE": str(SAMPLE),
        "SCUMBLE_PROBE_PROMPT": prompt,
        "SCUMBLE_PROBE_SELECTION": selection,
    }
    run = run_krita(editor, [SCENARIO], environ, LIMIT)
    run.facts(SCENARIO)
    return run.pictures


def gimp(folder: Path, home: Home, prompt: str, selection: str) -> Path:
    editor = Gimp(ALWAYS, folder / "gimp", home.path)
    editor.install()
    shutil.copy(SAMPLE, editor.home)
    environ = {
        "SCUMBLE_PROBE_PROMPT": prompt,
        "SCUMBLE_PROBE_SELECTION": selection,
        "SCUMBLE_PROBE_LAYOUT": LAYOUT,
    }
    found = editor.run([SCENARIO], LIMIT, SCREEN, **environ)
    assert not found[SCENARIO]["error"], found[SCENARIO]["error"]
    return editor.home


def main() -> None:
    editors = {"krita": krita, "gimp": gimp}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompt", default="3d render of a red apple")
    parser.add_argument("--selection", default="180,150,200,200")
    parser.add_argument("--working", type=Path)
    parser.add_argument("editor", nargs="*", help="krita, gimp; both when none is named")
    chosen = parser.parse_args()
    for name in chosen.editor or editors:
        with tempfile.TemporaryDirectory() as folder:
            home = Home(Path(folder) / "scumble")
            with running(home, SCUMBLE_ENGINE="diffusion") as daemon:
                daemon.connection()
                pictures = editors[name](Path(folder), home, chosen.prompt, chosen.selection)
            shutil.copy(pictures / "screenshot.png", ROOT / "plugin" / name)
            if chosen.working is not None:
                shutil.copy(pictures / "working.png", chosen.working / f"{name}.png")


if __name__ == "__main__":
    main()
