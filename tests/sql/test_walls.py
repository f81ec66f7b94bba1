"""Between practices stands a wall in the database: whatever query is asked, a practice sees and writes its own rows."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ops.db import PORTAL_ROLE
from ops.models import metadata
from ops.sql import wall_statements
from ops.sql.walls import WALLS, AppendOnly, Audit, Through, Wall
from tests.rows import put_row

OWN, OTHER = 71, 72
READABLE = [table for table, wall in WALLS.items() if "SELECT" in wall.portal]
OPEN = """asks attempts cadence_runs cadences concerns contracts imports messages milestones patients practices
    record_merges referral_events referrals review_links tasks treatment_types""".split()
"""Written down a second time on purpose: whoever opens another table to the practices says so here as well."""


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    """A transaction without foreign keys and triggers, rolled back at the end. Row-level security holds in it."""
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield connection


def enter_portal(connection: sa.Connection, practice: int | None) -> None:
    """What `see_only` does to a transaction."""
    connection.execute(sa.text(f"SET LOCAL ROLE {PORTAL_ROLE}"))
    connection.execute(sa.text("SELECT set_config('app.practice_id', :id, true)"), {"id": str(practice or "")})


def count(connection: sa.Connection, table: str) -> int:
    return connection.scalar(sa.text(f"SELECT count(*) FROM {table}"))


def put_both(connection: sa.Connection, table: str) -> None:
    for practice in (OWN, OTHER):
        put_row(connection, metadata.tables[table], practice)


def test_every_table_says_whose_its_rows_are_and_what_the_portal_may_do():
    assert set(WALLS) == set(metadata.tables)
    for name, wall in WALLS.items():
        table = metadata.tables[name]
        if isinstance(wall.of, Through):
            parents = {key.column.table.name for key in table.columns[wall.of.column].foreign_keys}
            assert wall.of.parent in parents or not parents, name
            assert "practice_id" not in table.columns, name
            assert all(each == wall.of.parent or WALLS[each].of == wall.of for each in parents), name
            assert WALLS[wall.of.parent].of, f"{name} is of a practice through {wall.of.parent}, which is of none"
        elif wall.of:
            assert wall.of in table.columns, name
        else:
            assert not wall.portal and "practice_id" not in table.columns, name


def test_the_tables_a_practice_reads_are_these_and_no_others():
    assert sorted(READABLE) == OPEN
    assert {name: wall.portal for name, wall in WALLS.items() if set(wall.portal) - {"SELECT"}} == {
        "patient_reads": ("INSERT",),
        "concerns": ("SELECT", "UPDATE (answer, answered_at, answered_by)"),
        "referrals": (
            "SELECT",
            "UPDATE (comes_for, follows_visits, maybe_patient_id, not_patients, patient_id, state, value, visit_days, "
            "visit_on, visit_time)",
        ),
        "referral_events": ("SELECT", "INSERT", "DELETE"),
    }


def test_what_is_read_through_a_parent_is_read_only_where_the_parent_is_walled():
    for name, wall in WALLS.items():
        if wall.portal and isinstance(wall.of, Through):
            assert "SELECT" in WALLS[wall.of.parent].portal, name
    with pytest.raises(ValueError, match="of no practice"):
        wall_statements.unit("lanes", Wall(None, ("SELECT",)))


def test_the_portal_has_the_rights_of_the_list_and_no_others(connection):
    question = """
        SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = 'public'::regnamespace AND a.grantee IN (0, :role\\:\\:regrole)
        UNION ALL
        SELECT c.relname, a.privilege_type || ' (' || string_agg(l.attname, ', ' ORDER BY l.attname) || ')'
        FROM pg_class c JOIN pg_attribute l ON l.attrelid = c.oid, aclexplode(l.attacl) a
        WHERE c.relnamespace = 'public'::regnamespace AND a.grantee IN (0, :role\\:\\:regrole)
        GROUP BY c.relname, a.privilege_type"""
    has = {tuple(row) for row in connection.execute(sa.text(question), {"role": PORTAL_ROLE})}
    assert has == {(name, right) for name, wall in WALLS.items() for right in wall.portal}
    role = "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = :role"
    assert connection.execute(sa.text(role), {"role": PORTAL_ROLE}).one() == (False, False, False)


OF_A_PRACTICE = sorted(name for name, wall in WALLS.items() if wall.of)


def test_row_level_security_is_forced_on_every_table_of_a_practice(connection):
    forced = """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND relrowsecurity AND relforcerowsecurity ORDER BY 1"""
    assert connection.scalars(sa.text(forced)).all() == OF_A_PRACTICE
    policies = connection.execute(
        sa.text("SELECT tablename, policyname FROM pg_policies WHERE permissive = 'PERMISSIVE'")
    )
    expected = {(name, "agency") for name in OF_A_PRACTICE}
    assert {tuple(row) for row in policies} == expected | {(n, "own_practice") for n, w in WALLS.items() if w.portal}


def test_whoever_else_is_given_a_table_sees_no_row_of_it(connection):
    connection.execute(sa.text("CREATE ROLE curious NOLOGIN"))
    for name in OF_A_PRACTICE:
        put_row(connection, metadata.tables[name], OWN)
        connection.execute(sa.text(f"GRANT SELECT ON {name} TO curious"))
    connection.execute(sa.text("SET LOCAL ROLE curious"))
    connection.execute(sa.text("SELECT set_config('app.practice_id', :id, true)"), {"id": str(OWN)})
    assert {name: count(connection, name) for name in OF_A_PRACTICE} == dict.fromkeys(OF_A_PRACTICE, 0)


def test_an_agency_whose_role_is_no_superuser_sees_its_own_tables_at_no_cost(connection):
    """As on a server that somebody else runs: the role owns the tables, and security is forced upon it too."""
    for statement in ("CREATE ROLE agency NOLOGIN", "ALTER TABLE messages OWNER TO agency", "SET LOCAL ROLE agency"):
        connection.execute(sa.text(statement))
    assert count(connection, "messages") == 0
    connection.exec_driver_sql(wall_statements.unit("messages", WALLS["messages"]).text.replace("%", "%%"))
    put_row(connection, metadata.tables["messages"], OTHER)
    assert count(connection, "messages") == 1
    plan = connection.scalars(sa.text("EXPLAIN SELECT * FROM messages WHERE state = 'queued'")).all()
    assert not any("practice" in line or "One-Time" in line for line in plan), plan


SHARED = {
    # (table, column) that points at what is the agency's as often as the practice's own
    ("attempts", "script_version_id"),
    ("messages", "script_version_id"),
    ("script_approvals", "version_id"),
}
AS_NUMBERS = {
    # columns that are kept as numbers: what they name may be gone
    *(("patient_reads", column) for column in ("practice_id", "patient_id", "subject_id")),
    *((table, "practice_id") for table in ("audit_log", "failed_work", "gate_decisions")),
    *(("patients", "import_id"), ("milestones", "import_id"), ("milestone_changes", "was_treatment_type_id")),
    *(("cadence_runs", "trigger_id"), ("contact_attempts", "attempt_id"), ("asks", "run_id")),
    *(("tasks", "lane_id"), ("tasks", "script_version_id"), ("scripts", "experiment_id")),
    ("consent_events", "patient_id"),
    # named by others, not by us
    *(("audit_log", "row_id"), ("patients", "external_id"), ("recorder_deliveries", "message_id")),
    *(("messages", "provider_id"), ("inbound_messages", "provider_id")),
}


def test_a_row_of_a_practice_can_point_at_no_row_of_another(connection):
    """The practice, or the row through which both are of one, is part of every foreign key between their tables."""
    keys = connection.execute(
        sa.text("""
        SELECT conrelid::regclass::text, confrelid::regclass::text, convalidated,
          (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = conrelid AND attnum = ANY (conkey))
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace""")
    ).all()
    assert len(keys) > 60
    loose, pointing = set(), set()
    for table, of, validated, columns in keys:
        pointing |= {(table, column) for column in columns}
        assert validated, (table, columns)
        if not WALLS[table].of or not WALLS[of].of or of == "practices":
            continue
        parent = WALLS[table].of
        shared = {"practice_id"} if isinstance(parent, str) else {parent.column}
        through = WALLS[of].of
        if isinstance(through, Through):
            shared |= {through.column}
        if not shared & set(columns):
            loose |= {(table, column) for column in columns}
    assert loose == SHARED
    named = {
        (name, column.name)
        for name in OF_A_PRACTICE
        for column in metadata.tables[name].columns
        if column.name.endswith("_id")
    }
    assert named - pointing == AS_NUMBERS


@pytest.mark.parametrize("table", READABLE)
def test_the_portal_sees_the_rows_of_its_practice_alone(connection, table):
    put_both(connection, table)
    assert count(connection, table) == 2
    for practice, seen in ((OWN, 1), (OTHER, 1), (OWN + OTHER, 0), (None, 0)):
        enter_portal(connection, practice)
        assert count(connection, table) == seen, practice
    enter_portal(connection, OWN)
    column = WALLS[table].of
    assert connection.scalars(sa.text(f"SELECT {column} FROM {table}")).all() == [OWN]


@pytest.mark.parametrize("table", READABLE)
def test_the_portal_could_not_write_a_row_of_another_practice_even_where_it_was_given_the_right(connection, table):
    connection.execute(sa.text(f"GRANT INSERT, UPDATE, DELETE ON {table} TO {PORTAL_ROLE}"))
    put_both(connection, table)
    enter_portal(connection, OWN)
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), connection.begin_nested():
        put_row(connection, metadata.tables[table], OTHER)
    column = WALLS[table].of
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), connection.begin_nested():
        connection.execute(sa.text(f"UPDATE {table} SET {column} = {OTHER}"))
    assert connection.execute(sa.text(f"UPDATE {table} SET {column} = {column}")).rowcount == 1
    assert connection.execute(sa.text(f"DELETE FROM {table}")).rowcount == 1


@pytest.mark.parametrize("table", sorted(set(metadata.tables) - set(READABLE)))
def test_the_portal_reads_nothing_of_the_other_tables(connection, table):
    enter_portal(connection, OWN)
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        count(connection, table)


def test_no_view_or_function_reads_for_the_portal_with_the_rights_of_its_owner(connection):
    views = """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
          AND has_any_column_privilege(:role, oid, 'SELECT')
          AND (relkind = 'm' OR NOT coalesce('security_invoker=true' = ANY (reloptions), false))"""
    assert connection.scalars(sa.text(views), {"role": PORTAL_ROLE}).all() == []
    functions = """
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
          AND prorettype <> 'trigger'::regtype AND has_function_privilege(:role, oid, 'EXECUTE')"""
    assert connection.scalars(sa.text(functions), {"role": PORTAL_ROLE}).all() == []


def test_a_row_that_is_of_a_practice_through_its_parent_would_be_seen_where_the_parent_is(connection):
    """No such table is open to the portal today; the wall that would be built holds."""
    wall = wall_statements.unit("message_events", Wall(Through("message_id", "messages"), ("SELECT", "INSERT")))
    connection.exec_driver_sql(wall.text, execution_options={"no_parameters": True})
    events = metadata.tables["message_events"]
    put_row(connection, events, OWN)
    foreign = put_row(connection, events, OTHER)
    enter_portal(connection, OWN)
    assert count(connection, "message_events") == 1
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        connection.execute(events.insert().inline().values(foreign | {"id": 1}))


def with_guard(kind: type, when: str) -> list[str]:
    return [name for name, wall in WALLS.items() for one in wall.guards if isinstance(one, kind) and when in one.when]


def test_the_triggers_of_the_tables_are_those_of_the_list(connection):
    question = """
        SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE t.tgname IN ('audit', 'append_only') AND t.tgenabled = 'O'"""
    has = sorted(tuple(row) for row in connection.execute(sa.text(question)))
    names = {Audit: "audit", AppendOnly: "append_only"}
    assert has == sorted((name, names[type(one)]) for name, wall in WALLS.items() for one in wall.guards)


@pytest.mark.parametrize("table", with_guard(AppendOnly, "UPDATE"))
def test_what_was_appended_stays_as_it_was_written(connection, table):
    row = put_row(connection, metadata.tables[table], OWN)
    connection.execute(sa.text("SET LOCAL session_replication_role = origin"))
    verbs = ["UPDATE {} SET id = id", *(["DELETE FROM {}"] if table in with_guard(AppendOnly, "DELETE") else [])]
    for verb in verbs:
        with pytest.raises(sa.exc.DatabaseError, match="append only"), connection.begin_nested():
            connection.execute(sa.text(verb.format(table) + " WHERE id = :id"), {"id": row["id"]})


@pytest.mark.parametrize("table", with_guard(Audit, "DELETE"))
def test_a_change_is_written_down_with_its_row_and_practice_and_without_what_is_hidden(connection, table):
    row = put_row(connection, metadata.tables[table], OWN)
    guard = next(one for one in WALLS[table].guards if isinstance(one, Audit))
    connection.execute(sa.text("SET LOCAL session_replication_role = origin"))
    connection.execute(sa.text(f"DELETE FROM {table}"))
    log = sa.text("SELECT row_id, practice_id, before FROM audit_log WHERE table_name = :table")
    entry = connection.execute(log, {"table": table}).one()
    assert entry.row_id == ",".join(str(row[column]) for column in guard.key.split(","))
    assert entry.practice_id == (OWN if isinstance(WALLS[table].of, str) else None)
    assert {entry.before[column] for column in guard.hidden.split(",") if column} <= {"(hidden)"}
