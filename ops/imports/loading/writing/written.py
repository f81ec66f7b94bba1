"""What is being loaded, and what a batch of it changed."""

from dataclasses import dataclass, field

from ops.imports.reading.records import BadRow


@dataclass
class Written:
    """What a batch changed: whom, which milestones, which were withdrawn, whose opt-outs were new, of whom else what
    they agreed to was, and the rows that were wrong."""

    patients_new: int = 0
    milestones_new: int = 0
    patients: set[str] = field(default_factory=set)
    milestones: set[tuple[str, str]] = field(default_factory=set)
    withdrawn: set[tuple[str, str]] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    agreed: set[str] = field(default_factory=set)
    bad: list[BadRow] = field(default_factory=list)

    @property
    def patients_updated(self) -> int:
        return len(self.patients) - self.patients_new


@dataclass(frozen=True)
class Load:
    """One file of one practice. `stated` are the patient columns the file speaks about.

    `clashed` are the numbers of this load that stood for somebody else; None: whoever loads it says they do not.
    """

    practice_id: int
    import_id: int
    file_id: int
    actor: str
    stated: frozenset[str]
    clashed: set[str] | None = field(default_factory=set)
    of_a_bundle: bool = False
    names_all: bool = False
    """Whether somebody said that it holds every visit of some days: then what it names is marked."""
    whole: bool = True
    """Whether it speaks of whole visits, or is one row that was corrected."""
