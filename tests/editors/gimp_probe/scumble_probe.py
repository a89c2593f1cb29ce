#!/usr/bin/env python3
"""A second plug-in inside GIMP that plays the artist and writes down what it saw.

`scumble-probe` takes a list of scenarios and a file. Each scenario is a
function of fills, windows or lifetimes; its facts go to the file as JSON. The
window that the scenarios drive is Scumble's own, made in this process.
"""

import json
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scumble"))

import scumble_gimp.versions  # noqa: F401

# isort: split
from gi.repository import Gegl, Gimp, GLib, GObject


class Probe(Gimp.PlugIn):
    def do_set_i18n(self, name):
        return False

    def do_query_procedures(self):
        return ["scumble-probe"]

    def do_create_procedure(self, name):
        procedure = Gimp.Procedure.new(self, name, Gimp.PDBProcType.PLUGIN, self._run, None)
        flags = GObject.ParamFlags.READWRITE
        procedure.add_string_argument("scenarios", "Scenarios", "Names, by commas", "", flags)
        procedure.add_string_argument("report", "Report", "File to write", "", flags)
        return procedure

    def _run(self, procedure, config, data):
        import fills
        import gimp_screen
        import lifetimes
        import windows

        scenarios = {**vars(fills), **vars(windows), **vars(lifetimes)}
        Gegl.init(None)
        report = {}
        for name in config.get_property("scenarios").split(","):
            entry = {"facts": {}, "error": "", "seconds": 0.0}
            report[name] = entry
            began = time.monotonic()
            try:
                entry["facts"] = scenarios[name]()
            except BaseException:
                entry["error"] = traceback.format_exc()
            finally:
                gimp_screen.tidy()
            entry["seconds"] = round(time.monotonic() - began, 1)
            write(config.get_property("report"), report)
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())


def write(path, report):
    with open(path + ".part", "w") as file:
        json.dump(report, file)
    os.replace(path + ".part", path)


Gimp.main(Probe.__gtype__, sys.argv)
