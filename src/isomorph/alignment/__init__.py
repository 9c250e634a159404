"""Affine maps that bring features closer to people, and what they cost."""
