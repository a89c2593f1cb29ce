"""Scumble in GIMP 3. Installed as the package `scumble_gimp` beside scumble.py and link."""
