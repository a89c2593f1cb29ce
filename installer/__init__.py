"""Puts Scumble on a computer and takes it off again: `python3 installer VERB`.

Standard library only. What stands on the computer is read into `plan.Facts`,
`plan` turns facts into steps, each step returns its own undo.
"""
