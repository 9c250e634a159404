"""How alike two systems are: measures with declared traits, and their comparison with intervals."""

from isomorph.measures._cka import CKA
from isomorph.measures._compare import compare, compare_all
from isomorph.measures._measure import Change, Comparable, Measure, Traits
from isomorph.measures._rbf_cka import RBFCKA
from isomorph.measures._registry import load_measure, registry
from isomorph.measures._rsa import RSA

__all__ = ["CKA", "RBFCKA", "RSA", "Change", "Comparable", "Measure", "Traits", "compare", "compare_all", "load_measure", "registry"]
