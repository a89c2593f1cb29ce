"""A plugin that runs test scenarios on Krita's main thread; see tests/editors/krita_harness.py."""

import faulthandler
import os

from krita import Extension, Krita

from .runner import Runner


class Probe(Extension):
    runner = None

    def setup(self):
        pass

    def createActions(self, window):
        if self.runner is not None:  # another window
            return
        from .scenarios import SCENARIOS

        names = os.environ["SCUMBLE_PROBE_SCENARIOS"].split(",")
        self.runner = Runner([(name, SCENARIOS[name]) for name in names])
        self.runner.start()


if os.environ.get("SCUMBLE_PROBE_SCENARIOS"):
    faulthandler.enable()  # a crash of Krita leaves the Python stacks in its log
    Krita.instance().addExtension(Probe(Krita.instance()))
