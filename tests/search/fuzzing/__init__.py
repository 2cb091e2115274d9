"""Run commands on mutated study files, data, recorded files and command lines, in this process.

``python -m tests.search.fuzzing --inputs 5000`` prints what broke the rule, by class of input; `test_fuzz.py` does the
same for a few. May import anything of the tests.
"""
