"""What several of the editors' tests start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tiny
from daemons import Daemon
from debian import ALWAYS, GIMP_OF, REQUIRED, SUITES, Folder
from gimp_harness import Gimp

from scumble.link.home import Home


@pytest.fixture(scope="module", params=SUITES)
def gimp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Gimp:
    """A GIMP with the plug-in in, and a home of Scumble's with a small model."""
    suite = request.param
    reason = Folder(suite).missing()
    if reason and REQUIRED and suite == ALWAYS:
        pytest.fail(f"GIMP {GIMP_OF[suite]} must be tested here: {reason}")
    if reason:
        pytest.skip(f"GIMP {GIMP_OF[suite]} WAS NOT TESTED: {reason}")
    folder = tmp_path_factory.mktemp("gimp")
    home = tiny.home(folder / "home", "sd1-inpaint")
    made = Gimp(suite, folder / "gimp", home.path)
    made.install()
    return made


@pytest.fixture(scope="module")
def daemon(gimp: Gimp) -> Iterator[Daemon]:
    """The daemon that this GIMP's plug-in finds, with the real engine."""
    running = Daemon(Home(gimp.daemon_home), SCUMBLE_ENGINE="diffusion")
    running.connection()
    yield running
    running.stop()
