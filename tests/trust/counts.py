"""What a trial counts."""

from __future__ import annotations

from dataclasses import dataclass, field

HARM = ("lost", "doubled", "out", "hung", "tracebacks")
"""What must be 0."""
_CASES = 40
"""Most cases that a report describes in words."""


@dataclass
class Counts:
    """How often something was tried and did harm, with the first cases in words.

    `lost` and `doubled`: rows or files that differ from an undisturbed run. `out`: something outside the folder was
    read or changed. `refused`: a second run failed although nothing stood in its way. `leftovers`: unfinished files
    stayed. `repeated`: labels that are there twice because the first run had written them when it was killed; no harm.
    """

    tried: int = 0
    lost: int = 0
    doubled: int = 0
    out: int = 0
    hung: int = 0
    tracebacks: int = 0
    refused: int = 0
    leftovers: int = 0
    repeated: int = 0
    cases: list[str] = field(default_factory=list)

    def add(self, name: str, case: str) -> None:
        """Count one, and keep the case."""
        setattr(self, name, getattr(self, name) + 1)
        if name != "repeated" and len(self.cases) < _CASES:
            self.cases.append(f"{name}: {case}")

    def __add__(self, other: Counts) -> Counts:
        """Return the sums, with the cases of both."""
        names = (name for name in vars(self) if name != "cases")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return Counts(**sums, cases=(self.cases + other.cases)[:_CASES])

    def harm(self) -> str:
        """Return the line that a report ends with: how often there was harm, by kind."""
        return ", ".join(f"{getattr(self, name)} {name}" for name in HARM)
