"""What stands in for `python -m scumble serve` in the tests of launching: a real process.

It writes down how it was started and serves a SmallDaemon until it is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path

from small_daemon import SmallDaemon

from scumble.link.home import find_home

if __name__ == "__main__":
    home = find_home()
    print("starting", flush=True)
    facts = {
        "environ": dict(os.environ),
        "arguments": sys.argv[1:],
        "folder": str(Path.cwd()),
        "session": os.getsid(0),
        "stdin": os.readlink("/proc/self/fd/0"),
        "pid": os.getpid(),
    }
    (home.path / f"started-{os.getpid()}.json").write_text(json.dumps(facts))
    with open(home.lock_file, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(0)  # another one serves
        time.sleep(float(os.environ.get("SCUMBLE_TEST_DELAY", "0")))
        SmallDaemon(home, f"boot-{os.getpid()}")
        time.sleep(60)
