"""The verbs of `scumble`; each module has `describe(parser)` and `run(options)`."""
