"""Small NLI files."""

from __future__ import annotations
