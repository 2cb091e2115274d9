"""Take dev and test out of a task's training file, or divide it into folds: rules, what stays together, and the draw.

Imports nothing of ``data`` but labels and errors.
"""
