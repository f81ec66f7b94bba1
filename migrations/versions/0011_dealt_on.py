"""The gate is told when the practice last dealt with its patient: without a do-not-call scrub a call rests on it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPS = Path(__file__).resolve().parents[2] / "ops"
KNOWN, READERS = "contact/known.sql", ("queue/claim.sql", "desk/card.sql")
"""Whoever changes one of these files adds a migration that installs it again; a test compares them."""
ADDED = ("'dealt_on', known.dealt_on, ", " known.dealt_on,")
BEFORE = """
CREATE FUNCTION contact_known(
    a_practice bigint, a_phone bytea, an_email bytea, a_channel text, at timestamptz, but_task bigint
)
RETURNS TABLE (suppressions text[], attempts bigint, consent boolean, status text, baa_on date)
LANGUAGE sql STABLE AS $$
    SELECT (SELECT array_agg(s.channel || ':' || s.reason) FROM suppressions s
            WHERE s.contact_key IN (a_phone, an_email) AND (s.practice_id = a_practice OR s.practice_id IS NULL)),
           (SELECT count(*) FROM contact_attempts c
            WHERE c.contact_key = a_phone AND c.at > contact_known.at - interval '24 hours' AND c.at <= contact_known.at)
           + (SELECT count(*) FROM tasks h
              WHERE h.person_key = a_phone AND h.state = 'claimed' AND h.id IS DISTINCT FROM but_task),
           (SELECT e.given FROM consent_events e
            WHERE e.contact_key = CASE WHEN a_channel = 'email' THEN an_email ELSE a_phone END
              AND e.practice_id = a_practice AND e.channel IN (a_channel, 'all')
            ORDER BY e.id DESC LIMIT 1),
           p.status::text, p.baa_on
    FROM practices p WHERE p.id = a_practice
$$;
"""


def upgrade() -> None:
    for name in (KNOWN, *READERS):
        _run((OPS / name).read_text())


def downgrade() -> None:
    op.execute("DROP FUNCTION contact_known(bigint, bytea, bytea, text, timestamptz, bigint)")
    _run(BEFORE)
    for name in READERS:
        text = (OPS / name).read_text()
        for added in ADDED:
            text = text.replace(added, "")
        _run(text)


def _run(text: str) -> None:
    op.execute(sa.text(text.replace(":", "\\:")))
