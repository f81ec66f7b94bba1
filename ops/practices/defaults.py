"""The treatments a new practice starts with: when each result shows, peaks and fades, in days after the treatment.

Starting values from what med spas commonly tell their patients (a toxin has settled after 14 days and wears off in
three to four months; after lasers and needling the skin improves for two to three months); each practice edits its own.
Words are looked for anywhere in a description, so short ones that hide in others ("ipl" in "multiple") are left out.
"""

from typing import NamedTuple

UNKNOWN_CURVE = (14, 30, 90)
"""Days for a treatment nobody described: when its result shows, is best, and is forgotten."""


class DefaultTreatment(NamedTuple):
    name: str
    category: str
    opens_days: int
    peaks_days: int
    closes_days: int
    recall_days: int | None
    match_words: tuple[str, ...]


def _treatment(
    name: str, category: str, curve: tuple[int, int, int], recall: int | None, words: str
) -> DefaultTreatment:
    return DefaultTreatment(name, category, *curve, recall, tuple(words.split("; ")) if words else ())


TREATMENTS = (
    _treatment(
        "Toxin",
        "injectable",
        (10, 14, 60),
        100,
        "botox; dysport; xeomin; jeuveau; daxxify; toxin; neuromodulator; wrinkle relaxer",
    ),
    _treatment(
        "Filler",
        "injectable",
        (14, 28, 120),
        300,
        "filler; juvederm; restylane; voluma; volbella; vollure; volux; sculptra; radiesse; belotero",
    ),
    _treatment(
        "Laser and resurfacing",
        "skin",
        (30, 60, 180),
        365,
        "laser; resurfacing; photofacial; ipl photo; intense pulsed; broadband light; fraxel; clear + brilliant",
    ),
    _treatment("Laser hair removal", "skin", (30, 60, 180), 42, "laser hair; hair removal; hair reduction"),
    _treatment(
        "Microneedling",
        "skin",
        (28, 60, 150),
        180,
        "microneedling; micro-needling; skinpen; morpheus8; rf needling; prp",
    ),
    _treatment("Chemical peel", "skin", (7, 14, 60), 45, "peel; jessner"),
    _treatment(
        "Body contouring",
        "body",
        (60, 90, 240),
        None,
        "body contouring; coolsculpting; cryolipolysis; emsculpt; sculpsure; trusculpt; kybella; cellulite",
    ),
    _treatment(
        "Weight management",
        "weight",
        (56, 90, 270),
        35,
        "weight; semaglutide; tirzepatide; wegovy; ozempic; zepbound; mounjaro; glp-1",
    ),
    _treatment(
        "Hormones and peptides",
        "wellness",
        (42, 90, 240),
        100,
        "hormone; bhrt; testosterone; estradiol; pellet; peptide; sermorelin",
    ),
    _treatment(
        "IV therapy", "wellness", (1, 3, 21), 30, "iv therapy; iv drip; iv infusion; infusion; myers; nad+; hydration"
    ),
    _treatment("Facial", "skin", (1, 3, 30), 42, "facial; hydrafacial; dermaplaning; diamondglow"),
    _treatment("Other treatment", "treatment", UNKNOWN_CURVE, None, ""),
)
"""The last one has no words: it takes what no other recognizes."""
