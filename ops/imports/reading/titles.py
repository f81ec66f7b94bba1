"""What the name of a file or of a sheet says of everybody in it: Mailchimp's "unsubscribed_members_export", a front
desk's "Do Not Call list" or "Deceased". Nobody in such a list is taken for somebody who may be contacted.
"""

import re

_WORD_BREAK = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
_REFUSED = re.compile(
    r"\b(do ?not ?(call|contact|text|email|mail|disturb)|dn[cdt]|dnc ?list|no ?(call|contact|text)s?( ?list)?"
    r"|opt(ed|s)? ?outs?|unsub\w*|cleaned (members|segment|contacts)|suppress(ed|ions?)( ?list)?"
    r"|black ?list(ed)?|block ?list|blocked|deceased|dead|passed away"
    r"|bajas|no ?(llamar|contactar|molestar)|fallecid[oa]s|difunt[oa]s|lista ?negra)\b"
)
_CALLED_OFF = re.compile(r"\b(cancel+(ed|ations?)|no ?shows?|missed|cancelad[oa]s|cancelaciones|inasistencias)\b")


def names_refusals(title: str, dated: bool = False) -> bool:
    """Whether a title says that those in it refused or died, or (`dated`) that its visits were called off."""
    words = " ".join(_WORD_BREAK.split(title.rpartition(".")[0] or title)).lower()
    return bool(_REFUSED.search(words) or (dated and _CALLED_OFF.search(words)))


def refusal_of_file(name: str) -> str:
    """Why a file whose name says so, and none of whose columns does, is not loaded."""
    return (
        f"{name}: its name says that these people are not to be contacted, or that their visits did not take place, "
        'and none of its columns does. Add a column that does ("Do Not Contact", "Deceased", "Visit Status") with its '
        "word in each row, or give the file another name if that is not what it means."
    )


def refusal_of_sheet(name: str, sheet: str) -> str:
    """Why a workbook with such a sheet beside the one that is read is not loaded."""
    return (
        f"{name}: the sheet {sheet!r} would not be read, and its name says that those on it are not to be contacted. "
        "Put a column that says so on the first sheet, or save that sheet as a file of its own with such a column, "
        "and take it out of this one."
    )
