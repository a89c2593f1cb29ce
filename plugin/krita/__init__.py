"""Scumble for Krita: select, type, fill.

Krita imports this package at its start, which registers the docker. Outside
Krita nothing is registered; the widgets can be used by themselves.
"""

try:
    import krita  # noqa: F401
except ImportError:
    pass
else:
    from .registration import register

    register()
