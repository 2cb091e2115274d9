"""Write tasks of an exported model for other libraries: a folder per task, with the whole model in the library's form.

A module per form says why a task cannot have it, and writes it. None of them imports the library. May import
``core.model``, the other modules of ``core.model_files`` and what they may import.
"""
