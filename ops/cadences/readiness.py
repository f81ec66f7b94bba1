"""Whether a practice can go live: what would be missing on the first call, text or email in its name.

What is said decides: of each text it can come to, the words that only the practice knows must be there, so that no
agent reads "[callback number: not known]" and no review request ends without a link.
"""

from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from ops import clock, zones
from ops.agency.queries import Agency, agency
from ops.cadences.defaults import CADENCES
from ops.contact.places import Place, zones_of_state
from ops.contact.windows import clock_of, open_window
from ops.practices.lacking import Lack, Missing
from ops.practices.us import STATES
from ops.scripts import rules, values
from ops.scripts.defaults import DEFAULTS
from ops.scripts.models import Medium
from ops.scripts.words import MEDIUM_WORDS, kind_words
from ops.work.kinds import Kind

ALWAYS = (Kind.FRIEND_FOLLOW_UP, Kind.LOOP_CLOSING, Kind.REPLY)
"""What comes up whatever cadences are on."""
Pair = tuple[str, str]
"""A kind of work and a medium."""
FACTS = sa.text(
    """
    SELECT p.*,
           EXISTS (SELECT FROM contracts c WHERE c.practice_id = p.id AND c.starts_on <= here.day
                     AND (c.ends_on IS NULL OR c.ends_on > here.day)) AS has_contract,
           EXISTS (SELECT FROM treatment_types t WHERE t.practice_id = p.id) AS has_treatments,
           EXISTS (SELECT FROM cadences c WHERE c.practice_id = p.id) AS has_cadences,
           coalesce((SELECT string_agg(l.url, ', ' ORDER BY l.id) FROM review_links l WHERE l.practice_id = p.id), '')
               AS links,
           ARRAY(SELECT DISTINCT ARRAY[c.kind::text, s.mode::text]
                 FROM cadences c JOIN cadence_steps s ON s.cadence_id = c.id
                 WHERE c.practice_id = p.id AND c.active) AS steps,
           ARRAY(SELECT sc.name FROM scripts sc JOIN script_versions v ON v.script_id = sc.id AND v.state = 'draft'
                 WHERE sc.practice_id = p.id
                   AND EXISTS (SELECT FROM script_approval_rules r WHERE r.practice_id = p.id)
                   AND NOT EXISTS (SELECT FROM script_versions o WHERE o.script_id = sc.id AND o.state = 'published')
                 ORDER BY sc.name) AS unapproved
    FROM practices p CROSS JOIN LATERAL (SELECT (CAST(:now AS timestamptz) AT TIME ZONE p.zone)::date AS day) here
    WHERE p.id = ANY(:ids) OR (CAST(:ids AS bigint[]) IS NULL AND p.status = 'active')
    """
)
IN_FORCE = sa.text(
    """
    SELECT coalesce(s.practice_id, 0) AS practice_id, s.kind, s.medium, v.subject, v.body
    FROM scripts s JOIN script_versions v ON v.script_id = s.id AND v.state = 'published'
    WHERE s.practice_id IS NULL OR s.practice_id = ANY(:ids) OR CAST(:ids AS bigint[]) IS NULL
    """
)
WORDS = {
    "callback_number": "a callback number",
    "review_links": "review links",
    "website": "a website (the booking link)",
    "shareable": "the short description patients forward",
}
"""What a script says of a practice, where it has another name on its page."""


def look(connection: sa.Connection, ids: Iterable[int] | None) -> dict[int, list[Missing]]:
    """What each of these practices (None: every live one) is missing, by id; without those that are complete."""
    wanted = None if ids is None else list(ids)
    texts = _texts(connection, wanted)
    rows, we = connection.execute(FACTS, {"ids": wanted, "now": clock.now()}).all(), agency(connection)
    found = {row.id: list(_missing(row, we, texts.get(0, {}) | texts.get(row.id, {}))) for row in rows}
    return {practice_id: missing for practice_id, missing in found.items() if missing}


def _texts(connection: sa.Connection, ids: list[int] | None) -> dict[int, dict[Pair, list[rules.Text]]]:
    """What is said, by practice (0: the agency's, its defaults while it has none), kind and medium; both of two that
    are tried."""
    found: dict[int, dict[Pair, list[rules.Text]]] = {}
    for row in connection.execute(IN_FORCE, {"ids": ids}):
        text = rules.Text(row.kind, Medium(row.medium), row.subject, row.body)
        found.setdefault(row.practice_id, {}).setdefault((row.kind, row.medium), []).append(text)
    if 0 not in found:
        found[0] = {
            (one.kind, one.medium): [rules.Text(one.kind, one.medium, one.subject, one.body)] for one in DEFAULTS
        }
    return found


def _missing(row: sa.Row, we: Agency, texts: Mapping[Pair, list[rules.Text]]) -> Iterator[Missing]:
    if row.baa_on is None:
        yield Missing(Lack.BAA, "a signed BAA", "practices.editing")
    if not row.has_contract:
        yield Missing(Lack.CONTRACT, "a contract in force today", "practices.contracts")
    yield from _place(row)
    if not row.sender_email:
        yield Missing(Lack.SENDER, "an email address that its emails come from", "practices.editing")
    if not row.has_treatments:
        yield Missing(Lack.TREATMENTS, "treatments, with the days in which a result shows", "practices.treatments")
    steps = _steps(row)
    if not steps:
        yield Missing(Lack.CADENCES, "a cadence that is on", "cadences.cadences")
    for kind, mode in steps:
        if (kind, mode) not in texts:
            what = f"a {MEDIUM_WORDS[Medium(mode)].lower()} script for {_named(kind)}"
            yield Missing(Lack.SCRIPT, what, "scripts.of_practice")
    for name in row.unapproved:
        yield Missing(Lack.APPROVAL, f"the practice's approval of its own script “{name}”", "scripts.of_practice")
    yield from _words(values.of_row(row, row.links, we), {kind for kind, _ in steps} | {*map(str, ALWAYS)}, texts)


def _place(row: sa.Row) -> Iterator[Missing]:
    """Do state and zone agree, and do we know when anybody may be called there?"""
    state = STATES.get(row.state, row.state)
    if clock_of(row.zone) not in {clock_of(zone) for zone in zones_of_state(row.state)}:
        what = f"a time zone of {state} (it is set to {zones.name_of(row.zone)})"
        yield Missing(Lack.ZONE, what, "practices.editing")
    if open_window([Place(row.state, row.zone, "practice")], "call", clock.now()) is None:
        yield Missing(Lack.HOURS, f"calling hours for {state} in our rules", "practices.editing")


def _steps(row: sa.Row) -> list[Pair]:
    """The kinds and media its cadences come to; those of the usual cadences while it has none yet."""
    if row.has_cadences:
        return sorted((kind, mode) for kind, mode in row.steps)
    return sorted({(str(each.kind), str(step.mode)) for each in CADENCES for step in each.steps})


def _words(known: dict[str, str], kinds: set[str], texts: Mapping[Pair, list[rules.Text]]) -> Iterator[Missing]:
    """What these kinds of work say that nobody has told us, over whichever medium an agent may choose."""
    pairs = ((kind, medium) for kind in Kind if kind in kinds for medium in Medium)
    said = [text for pair in pairs for text in texts.get(pair, ())]
    unknown = {name: text for text in reversed(said) for name in rules.missing(text, known)}
    for name in sorted(unknown):
        lack = {"callback_number": Lack.CALLBACK, "review_links": Lack.REVIEW_LINKS}.get(name, Lack.WORDS)
        page = "practices.show" if lack is Lack.REVIEW_LINKS else "practices.editing"
        yield Missing(lack, f"{WORDS.get(name, name.replace('_', ' '))}, which {_named(unknown[name].kind)} says", page)


def _named(kind: str) -> str:
    return f"“{kind_words(kind)}”"
