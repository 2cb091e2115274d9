"""Run studies from the command line and show them.

Put here what several commands share: options, exit codes, progress displays, the plan before and the summary after a
search. May import ``driver`` and what is below it; no command.
"""
