"""Define what a stage of further pretraining trains for; one objective per file.

May import what ``core.pretraining`` may.
"""
