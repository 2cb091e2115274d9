"""Measure training speed against other trainers and against the machine, and write the page of these measurements.

Every measurement is a ratio within one run: what is compared takes turns, round by round.
"""
