# Written so that even very old Pythons get as far as the sentence below.
import os
import sys

if sys.version_info < (3, 10):  # noqa: UP036
    sys.stderr.write(
        "Scumble needs Python 3.10 or newer; this is Python "
        + ".".join(map(str, sys.version_info[:2]))
        + ".\nInstall a newer one (https://www.python.org/downloads/) and start it by name,"
        + " for example: python3.12 installer demo\n"
    )
    sys.exit(2)

# `python3 installer` puts this folder itself first; its modules are those of a package
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from installer.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
