"""The full numbers, by hand: `python -m tests.scale`. Not part of pytest; see `__main__.py`."""
