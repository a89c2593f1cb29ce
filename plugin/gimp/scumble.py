#!/usr/bin/env python3
"""What GIMP starts: the file has the name of its folder, and only leads on."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scumble_gimp.procedures import main

main()
