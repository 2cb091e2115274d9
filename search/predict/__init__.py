"""``search.predict``: print predictions of an exported model for new text."""
