"""``python -m search.doctor``: is all here that a study needs?"""
