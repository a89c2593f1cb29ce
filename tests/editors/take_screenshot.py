"""Makes the README's picture: a fill in a real Krita, with the first model that is registered.

    python tests/editors/take_screenshot.py OUT.png [PROMPT] [x,y,width,height]

Uses $SCUMBLE_HOME, or the usual one.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from krita_harness import ROOT, KritaHome, install_record, run_krita

from scumble.link.home import find_home

SAMPLE = ROOT / "installer" / "sample" / "meadow.png"


def main(target: str, prompt: str = "red apple", selection: str = "180,150,200,200") -> None:
    home = find_home()
    if not home.install_record.exists():
        install_record(home.path)
    with tempfile.TemporaryDirectory() as folder:
        krita_home = KritaHome(Path(folder) / "home")
        krita_home.create()
        environ = {
            "SCUMBLE_HOME": str(home.path),
            "SCUMBLE_PROBE_PICTURE": str(SAMPLE),
            "SCUMBLE_PROBE_PROMPT": prompt,
            "SCUMBLE_PROBE_SELECTION": selection,
        }
        run = run_krita(krita_home, ["picture_for_the_readme"], environ, 300.0)
        run.facts("picture_for_the_readme")
        shutil.copy(run.pictures / "screenshot.png", target)
        working = Path(target)
        shutil.copy(run.pictures / "working.png", working.with_name(f"{working.stem}-working.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
