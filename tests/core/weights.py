"""Copies of the weights of a model."""

from __future__ import annotations
