"""Take dev and test out of a task's training file: rules, groups that stay together, and the draw.

Imports nothing of ``data`` but labels and errors.
"""
