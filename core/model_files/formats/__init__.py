"""Write an exported model for other libraries: a folder per task in the library's form, or one for the whole model.

A module per form says why a task or the model cannot have it, and writes it. Those of tasks do not import the library;
that of ONNX does when it writes. May import ``core.model``, the other modules of ``core.model_files`` and what they may
import.
"""
