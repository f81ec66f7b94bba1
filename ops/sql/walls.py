"""Every table: whose its rows are, what is written down of changes to it, and what the portal may do with it.

A member of a practice reads the portal under a database role that sees one practice (`see_only` in ops/db.py). Of what
is a practice's, row-level security is forced upon everybody (docs/rules.md B2): the agency's own role has a policy that
shows all, the portal's shows its practice, and whoever else is given a table sees no row of it. This is the one list of
what the portal's role may do; `wall_statements` turns it into policies, grants and triggers, which are installed after
migrating. A table that is not in it fails a test: whoever adds a table decides here.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Through:
    """Rows that are of a practice because what they hang on is: `column` refers to the id of `parent`."""

    column: str
    parent: str


@dataclass(frozen=True)
class Audit:
    """An entry in audit_log for each change: `key` identifies the row, the values of `hidden` are not written down."""

    key: str = "id"
    hidden: str = ""
    when: str = "INSERT OR UPDATE OR DELETE"
    only_if: str = ""


@dataclass(frozen=True)
class AppendOnly:
    """Rows that stay as they were written: `function` refuses what `when` says."""

    when: str = "UPDATE OR DELETE"
    function: str = "refuse_change"


@dataclass(frozen=True)
class Wall:
    """`of`: the column that names the practice, a Through, or None for what is the agency's own. `portal`: what its
    role may do with rows of its practice (a row without one is nobody's); () is nothing. `guards`: triggers."""

    of: str | Through | None
    portal: tuple[str, ...] = ()
    guards: tuple[Audit | AppendOnly, ...] = field(default=())


OWN = "practice_id"
READS = ("SELECT",)

WALLS: dict[str, Wall] = {
    # people who sign in
    "users": Wall(None, guards=(Audit(hidden="password_hash"),)),
    "memberships": Wall(OWN, guards=(Audit("user_id,practice_id"),)),
    "account_links": Wall(None),
    "sign_in_tries": Wall(None),
    # that an email was asked for is told by what it is about; what became of it, and who decided so, is written down
    "staff_mails": Wall(None, guards=(Audit(when="UPDATE OR DELETE"),)),
    "auth_sessions": Wall(None),
    "audit_log": Wall(OWN, guards=(AppendOnly(),)),
    # a member's reading is noted as anybody's, of their own practice; the portal never reads it
    "patient_reads": Wall(OWN, ("INSERT",), (AppendOnly(),)),
    # practices and what they own
    "practices": Wall("id", READS, (Audit(),)),
    "contracts": Wall(OWN, READS, (Audit(),)),
    "treatment_types": Wall(OWN, READS, (Audit(),)),
    "review_links": Wall(OWN, READS, (Audit(),)),
    # a patient's arrival is told by the import named on the row; only later changes are written down
    "patients": Wall(OWN, READS, (Audit(hidden="phone_key,email_key", when="UPDATE OR DELETE"),)),
    "milestones": Wall(OWN, READS),
    "record_merges": Wall(OWN, READS, (Audit(hidden="waits"),)),
    "milestone_changes": Wall(OWN),
    "saved_mappings": Wall(OWN, guards=(Audit(),)),
    "imports": Wall(OWN, READS),
    "import_files": Wall(Through("import_id", "imports")),
    "import_chunks": Wall(Through("file_id", "import_files")),
    "quarantined_rows": Wall(OWN),
    # may we reach this person: kept across practices by keyed hashes, so no practice reads any of it
    "suppressions": Wall(OWN, guards=(AppendOnly(function="refuse_change_of_suppression"),)),
    "consent_events": Wall(OWN, guards=(AppendOnly(function="refuse_change_of_consent"),)),
    "contact_attempts": Wall(OWN, guards=(AppendOnly(),)),
    "gate_decisions": Wall(OWN, guards=(AppendOnly(),)),
    # what agents say, what leaves the system and what comes back
    "scripts": Wall(OWN, guards=(Audit(),)),
    "script_versions": Wall(Through("script_id", "scripts"), guards=(Audit(),)),
    "script_approvals": Wall(OWN, guards=(Audit(),)),
    "script_approval_links": Wall(OWN, guards=(Audit(hidden="token_hash"),)),
    "script_approval_rules": Wall(OWN, guards=(Audit("practice_id"),)),
    "script_experiments": Wall(Through("script_id", "scripts"), guards=(Audit(),)),
    "messages": Wall(OWN, READS),
    "message_events": Wall(Through("message_id", "messages")),
    "inbound_messages": Wall(OWN),
    "unread_keys": Wall(OWN),
    "recorder_deliveries": Wall(Through("message_id", "messages")),
    # asks and referrals
    "asks": Wall(OWN, READS),
    # a member says what became of a friend who was sent to them, and takes back a slip of theirs
    "referrals": Wall(
        OWN,
        (
            "SELECT",
            "UPDATE (comes_for, follows_visits, maybe_patient_id, not_patients, patient_id, state, value, visit_days, "
            "visit_on, visit_time)",
        ),
        (Audit(hidden="contact_key,email_key"),),
    ),
    "referral_events": Wall(OWN, ("SELECT", "INSERT", "DELETE"), (Audit(when="DELETE"),)),
    # the queue
    "triggers": Wall(OWN, guards=(Audit(),)),
    "cadences": Wall(OWN, READS, (Audit(),)),
    "cadence_steps": Wall(Through("cadence_id", "cadences"), guards=(Audit(),)),
    # counted, not decided: the change itself is written down
    "rule_changes": Wall(OWN),
    "cadence_runs": Wall(OWN, READS),
    "tasks": Wall(OWN, READS),
    "task_events": Wall(OWN),
    "attempts": Wall(OWN, READS),
    # not when deleted: an attempt that is taken back takes its corrections with it
    "minute_corrections": Wall(Through("attempt_id", "attempts"), guards=(AppendOnly("UPDATE"),)),
    "lanes": Wall(None),
    # the ledger changes with every claim: only what a lead decides is written down
    "shares": Wall(OWN, guards=(Audit("practice_id", when="UPDATE OF weight", only_if="OLD.weight <> NEW.weight"),)),
    "kind_pauses": Wall(OWN, guards=(Audit("practice_id,kind"),)),
    "agent_profiles": Wall(None, guards=(Audit("user_id"),)),
    "certifications": Wall(OWN, guards=(Audit("user_id,practice_id"),)),
    "not_offered": Wall(OWN, guards=(AppendOnly("UPDATE"), Audit(hidden="person_key", when="DELETE"))),
    "breaks": Wall(None),
    "desk_keys": Wall(None),
    "number_stops": Wall(None, guards=(AppendOnly(),)),
    "agency_settings": Wall(None, guards=(Audit(hidden="logo"),)),
    "desk_settings": Wall(None, guards=(Audit(),)),
    # what went wrong: a member writes back what the practice did, on its own concerns, and nothing else
    "concerns": Wall(OWN, ("SELECT", "UPDATE (answer, answered_at, answered_by)"), (Audit(),)),
    # coaching
    "coaching_comments": Wall(Through("attempt_id", "attempts"), guards=(Audit(),)),
    "scorecards": Wall(None, guards=(Audit(),)),
    "scorecard_questions": Wall(None, guards=(Audit(),)),
    "scores": Wall(Through("attempt_id", "attempts"), guards=(Audit(),)),
    "score_marks": Wall(Through("score_id", "scores"), guards=(Audit("score_id,question_id"),)),
    # the running system
    "failed_work": Wall(OWN),
    "installation": Wall(None),
    "installed_sql": Wall(None),
    "ticks": Wall(None),
}
