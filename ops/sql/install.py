"""Make the database's functions, views, triggers and walls those of the code.

Migrations make tables; they carry nothing that is edited afterwards. All the rest is installed after migrating, in the
same transaction, whenever its text differs from what the database remembers having been given, or what it holds is not
what that text made. Nothing that is in place is touched: replacing takes locks that work would wait for.
"""

import re
from functools import cache
from typing import Any

import sqlalchemy as sa

from ops.db import PORTAL_ROLE
from ops.sql import units, wall_statements
from ops.sql.units import Unit

IN_PLACE = """
SELECT 'FUNCTION ' || p.proname AS object, md5(string_agg(pg_get_functiondef(p.oid), ' ' ORDER BY p.oid)) AS hash
FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
GROUP BY p.proname
UNION ALL
SELECT 'VIEW ' || c.relname, md5(concat(pg_get_viewdef(c.oid), c.reloptions, c.relacl))
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
UNION ALL
SELECT 'TRIGGER ' || t.tgname || ' ON ' || c.relname, md5(concat(pg_get_triggerdef(t.oid), t.tgenabled))
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'WALL ' || c.relname, md5(concat(
    c.relrowsecurity,
    c.relforcerowsecurity,
    (SELECT string_agg(p::text, ' ' ORDER BY p.policyname) FROM pg_policies p
     WHERE p.schemaname = 'public' AND p.tablename = c.relname),
    (SELECT string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type) FROM aclexplode(c.relacl) a
     WHERE pg_get_userbyid(a.grantee) = :portal),
    (SELECT string_agg(l.attname || a.privilege_type, ' ' ORDER BY l.attname, a.privilege_type)
     FROM pg_attribute l CROSS JOIN LATERAL aclexplode(l.attacl) a
     WHERE l.attrelid = c.oid AND pg_get_userbyid(a.grantee) = :portal)))
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
REMEMBER = sa.text("INSERT INTO installed_sql (name, sha256, shapes, seen) VALUES (:name, :sha256, :shapes, :seen)")
REMEMBER = REMEMBER.bindparams(*(sa.bindparam(column, type_=sa.JSON()) for column in ("shapes", "seen")))
KINDS = ["TRIGGER", "VIEW", "FUNCTION"]
"""In the order they are dropped in: each may hold on to those behind it."""


@cache
def wanted() -> list[Unit]:
    """All that the code installs, in order: the files, then the walls, whose triggers call what a file makes. As it was
    when this process first asked: health checks ask every few seconds."""
    return [*units.files(), *wall_statements.units()]


def is_installed(connection: sa.Connection) -> bool:
    """Whether the texts the database was given are those of the code."""
    return {unit.name: unit.sha256 for unit in wanted()} == {
        name: row.sha256 for name, row in _kept(connection).items()
    }


def differences(connection: sa.Connection) -> dict[str, str]:
    """What is installed otherwise than the code says, by name, with how. Empty when all is in place."""
    kept, in_place = _kept(connection), _in_place(connection)
    found = dict.fromkeys(kept.keys() - {unit.name for unit in wanted()}, "no longer in the code")
    for unit in wanted():
        row = kept.get(unit.name)
        if row is None:
            found[unit.name] = "not installed"
        elif row.sha256 != unit.sha256:
            found[unit.name] = "installed from another text"
        elif row.seen != _of(unit, in_place):
            found[unit.name] = "changed by hand"
    return found


def install(connection: sa.Connection) -> list[str]:
    """Install what differs; the names of what did. The caller holds the lock of migrating and commits."""
    found = differences(connection)
    if not found:
        return []
    drop = _to_drop([unit for unit in wanted() if unit.name in found], _kept(connection))
    for kind in KINDS:
        _drop(connection, kind, sorted(made.removeprefix(f"{kind} ") for made in drop if made.startswith(f"{kind} ")))
    stale = [unit for unit in wanted() if unit.name in found or unit.shapes.keys() & drop]
    for unit in stale:
        _run(connection, unit.text)
    _remember(connection, stale, [*{*found, *(unit.name for unit in stale)}])
    return [unit.name for unit in stale]


def _to_drop(stale: list[Unit], kept: dict[str, Any]) -> set[str]:
    """What nothing in the code makes any more, what CREATE OR REPLACE could not turn into what the code says, and the
    views that hold on to any of it."""
    was = {made: shape for row in kept.values() for made, shape in row.shapes.items()}
    stays = {made for unit in wanted() for made in unit.shapes}
    drop = {
        made
        for unit in stale
        for made, shape in unit.shapes.items()
        if was.get(made) != shape and not shape.endswith("RETURNS trigger")  # these have no arguments to change
    }
    drop |= was.keys() - stays
    drop = {made for made in drop if made.split()[0] in KINDS}
    views = {made: {*re.findall(r"\w+", shape)} for made, shape in was.items() if made.startswith("VIEW ")}
    while over := {made for made, words in views.items() if words & {each.split()[1] for each in drop}} - drop:
        drop |= over
    return drop


def _drop(connection: sa.Connection, kind: str, names: list[str]) -> None:
    """All of a kind at once, so that what holds on to what does not matter; each trigger is on a table of its own."""
    for each in names if kind == "TRIGGER" else [", ".join(names)] if names else []:
        connection.exec_driver_sql(f"DROP {kind} IF EXISTS {each}")


def _run(connection: sa.Connection, text: str) -> None:
    """Without parameters, so that a percent sign is one and several statements may stand in the text."""
    connection.exec_driver_sql(text, execution_options={"no_parameters": True})


def _remember(connection: sa.Connection, stale: list[Unit], names: list[str]) -> None:
    connection.execute(sa.text("DELETE FROM installed_sql WHERE name = ANY (:names)"), {"names": names})
    in_place = _in_place(connection)
    for unit in stale:
        row = {"name": unit.name, "sha256": unit.sha256, "shapes": unit.shapes, "seen": _of(unit, in_place)}
        connection.execute(REMEMBER, row)


def _kept(connection: sa.Connection) -> dict[str, Any]:
    return {row.name: row for row in connection.execute(sa.text("SELECT * FROM installed_sql"))}


def _in_place(connection: sa.Connection) -> dict[str, str]:
    return {row.object: row.hash for row in connection.execute(sa.text(IN_PLACE), {"portal": PORTAL_ROLE})}


def _of(unit: Unit, in_place: dict[str, str]) -> dict[str, str]:
    """What the server says of what this unit made; "" of what is not there."""
    return {made: in_place.get(made, "") for made in unit.shapes}
