"""What was represented: the value, and reading it from files."""

from isomorph.features._features import Features

__all__ = ["Features"]
