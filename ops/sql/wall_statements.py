"""The statements that make the walls of walls.py: policies, grants and triggers, table by table."""

from collections.abc import Iterator

from ops.db import PORTAL_ROLE
from ops.sql.units import Unit
from ops.sql.walls import WALLS, AppendOnly, Audit, Through, Wall

SEEN = "nullif(current_setting('app.practice_id', true), '')::bigint"
"""The practice that `see_only` said. Nobody's when it said nothing: after a SET LOCAL the setting is '', not NULL."""

# Whatever stands on the table goes: one policy too many opens what all others close.
BARE = """
DO $$ DECLARE one text; BEGIN
    FOR one IN SELECT policyname FROM pg_policies WHERE schemaname = 'public' AND tablename = '{table}' LOOP
        EXECUTE format('DROP POLICY %I ON {table}', one);
    END LOOP;
END $$;
REVOKE ALL ON {table} FROM {role};
"""


def units() -> list[Unit]:
    """One for each table."""
    return [unit(table, wall) for table, wall in WALLS.items()]


def unit(table: str, wall: Wall) -> Unit:
    """What makes the wall of a table, over whatever stands there."""
    text = BARE.format(table=table, role=PORTAL_ROLE) + "".join(f"{one};\n" for one in _statements(table, wall))
    made = [f"WALL {table}", *(f"TRIGGER {_name(guard)} ON {table}" for guard in wall.guards)]
    return Unit(f"wall of {table}", text, dict.fromkeys(made, ""))


def _statements(table: str, wall: Wall) -> Iterator[str]:
    if wall.of is None:
        if wall.portal:
            raise ValueError(f"the portal may use {table}, whose rows are of no practice")
        yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
    else:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        # constant, so that no plan of the agency's pays for it
        yield f"CREATE POLICY agency ON {table} TO CURRENT_USER USING (true)"
    if wall.portal:
        yield f"CREATE POLICY own_practice ON {table} TO {PORTAL_ROLE} USING ({_condition(table, wall)})"
    for right in wall.portal:
        yield f"GRANT {right} ON {table} TO {PORTAL_ROLE}"
    for guard in wall.guards:
        yield _trigger(table, guard)


def _condition(table: str, wall: Wall) -> str:
    """Which rows are seen; what is written must fulfil it too."""
    match wall.of:
        case Through(column, parent):
            return f"EXISTS (SELECT FROM {parent} WHERE {parent}.id = {table}.{column})"  # those its own wall shows
        case column:
            return f"{column} = {SEEN}"


def _trigger(table: str, guard: Audit | AppendOnly) -> str:
    make = f"CREATE OR REPLACE TRIGGER {_name(guard)}"
    match guard:
        case Audit(key, hidden, when, only_if):
            condition = f"WHEN ({only_if}) " if only_if else ""
            run = f"audit_change('{key}', '{hidden}')"
            return f"{make} AFTER {when} ON {table} FOR EACH ROW {condition}EXECUTE FUNCTION {run}"
        case AppendOnly(when, function):
            return f"{make} BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"


def _name(guard: Audit | AppendOnly) -> str:
    return "audit" if isinstance(guard, Audit) else "append_only"
