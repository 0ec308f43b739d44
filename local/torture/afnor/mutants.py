"""The mutants of the norm."""

from local.torture.mutant import Mutant

MUTANTS: dict[str, Mutant] = {}
