"""``search.push``: upload an exported model to the Hugging Face Hub.

May import ``console`` and what is below it; no other command.
"""
