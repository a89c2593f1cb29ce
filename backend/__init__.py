"""Scumble's backend: the daemon, its worker, and the engine that draws.

Importing this package imports no torch.
"""

__version__ = "0.1.0"
