"""How fast a practice's file is loaded, beside PostgreSQL's own COPY of the rows that came out of it.

A file of invented patients, one milestone each, is loaded by the importer into a scratch database, in a process of its
own whose peak memory is reported. Then the resulting rows are written with COPY in the same run into tables of the same
shape: same columns, indexes, checks and foreign keys. `copy_bare_rows_per_s` is COPY into tables without any of these.
"""

import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from ops.bench.scratch import plain, scratch_database

HEADER = (
    "PatNum,LName,FName,MiddleI,Preferred,PatStatus,Gender,Birthdate,Address,City,State,Zip,HmPhone,WkPhone,"
    "WirelessPhone,Email,TxtMsgOk,PreferConfirmMethod,AptDateTime,AptStatus,ProcDescript"
)
_FIRST = tuple(
    re.findall(r"\S+", "Ada Bea Cleo Dora Élise Faye Gwen Hana Iris June Kira Lena Mia Nora Opal Petra Rosa")
)
_LAST = tuple(
    re.findall(r"\S+", "Abbot Bélanger Cole Drew Ennis Frost Gray Hale Ives Jost Kerr Lane Mora O'Dell Reyes")
)
_PLACES = tuple(
    tuple(place.split())
    for place in (
        "212 NY 10001,312 IL 60601,305 FL 33101,415 CA 94102,617 MA 02108,215 PA 19102,404 GA 30303,214 TX 75201,"
        "303 CO 80202,206 WA 98101,313 MI 48226,612 MN 55401"
    ).split(",")
)
"""There are 100 invented numbers in each; with names of two parts one person in fifty is in the file twice, as in real
ones."""
_TREATMENTS = ("Botox 40 units", "Juvederm filler", "HydraFacial", "Laser hair removal", "Wellness consult")
BLOCK = 1 << 20


def write_file(path: Path, rows: int, seed: int = 7) -> None:
    """An Open Dental style export of `rows` invented patients, the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 (invented data, not a secret)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER + "\n")
        for number in range(1, rows + 1):
            file.write(_row(number, dice) + "\n")


def _row(number: int, dice: random.Random) -> str:
    first, last = dice.choice(_FIRST), f"{dice.choice(_LAST)} {dice.choice(_LAST)}"
    area, state, zip_ = dice.choice(_PLACES)
    born = f"{dice.randint(1940, 2012)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    mobile = f"({area})555-01{dice.randint(0, 99):02}"
    home = f"{area}-555-01{dice.randint(0, 99):02}" if number % 3 == 0 else ""
    seen = (
        f"{dice.randint(2024, 2025)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02} {dice.randint(9, 17):02}:30:00"
    )
    text_ok = "No" if number % 40 == 0 else "Yes"
    return (
        f"{number},{last},{first},,,Patient,F,{born},{number % 9999} Main St,Town,{state},{zip_},{home},,{mobile},"
        f"{first.lower()}.{number}@example.com,{text_ok},None,{seen},Complete,{dice.choice(_TREATMENTS)}"
    )


def bench_import(rows: int) -> dict[str, Any]:
    """Run the whole comparison for `rows` rows; rates are rows a second. Needs the servers (`ops.runtime.servers`)."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, scratch_database() as url:
        path = Path(folder) / "patients.csv"
        write_file(path, rows)
        loaded = _load_in_own_process(path, url)
        copy_s, bare_s = _copy_seconds(url, Path(folder))
    rate, copy_rate = rows / loaded["seconds"], rows / copy_s
    return {
        "rows": rows,
        "rows_per_s": round(rate),
        "copy_rows_per_s": round(copy_rate),
        "ratio": round(rate / copy_rate, 3),
        "peak_rss_mb": loaded["peak_rss_mb"],
        "copy_bare_rows_per_s": round(rows / bare_s),
        "patients_new": loaded["patients_new"],
        "milestones_new": loaded["milestones_new"],
    }


def _load_in_own_process(path: Path, url: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "ops.bench.importing", str(path)]
    done = subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the importing process failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _load(path: Path) -> dict[str, Any]:
    """What runs in the process that is measured: the importer as `ops import` uses it."""
    from ops import create_app

    with create_app().app_context():
        from datetime import date

        from ops.background import silent
        from ops.db import db, transaction
        from ops.imports.loading import begin, outcome_of, receive, run
        from ops.practices.actions import add_practice

        with transaction("bench"):
            practice = add_practice("bench", "Bench Practice", "America/Chicago", "IL", date(2026, 1, 2))
        db.session.rollback()
        started = time.perf_counter()
        with path.open("rb") as stream, transaction("bench"):
            load = receive(practice, [(path.name, stream)], "bench")
            begin(load, ring_worker=False)
            import_id = load.id
        with silent():
            run(import_id)
        seconds = time.perf_counter() - started
        db.session.expire_all()
        outcome = outcome_of(import_id)
    if outcome.quarantined or outcome.rows_read == 0:
        raise RuntimeError(f"the benchmark's own file was not read whole: {outcome.quarantined[:3]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)
    return {
        "seconds": seconds,
        "peak_rss_mb": round(peak),
        "patients_new": outcome.patients_new,
        "milestones_new": outcome.milestones_new,
    }


def _copy_seconds(url: str, folder: Path) -> tuple[float, float]:
    """Seconds COPY takes for the same patients and milestones: into tables of the same shape, and into bare ones."""
    tables = ("patients", "milestones")
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for table in tables:
            _copy_out(connection, table, folder / table)
            connection.execute(f"CREATE TABLE shaped_{table} (LIKE {table} INCLUDING ALL)".encode())
            connection.execute(f"CREATE TABLE bare_{table} (LIKE {table})".encode())
        _same_foreign_keys(connection, tables)
        return tuple(  # type: ignore[return-value]
            sum(_copy_in(connection, f"{shape}_{table}", folder / table) for table in tables)
            for shape in ("shaped", "bare")
        )


def _same_foreign_keys(connection: psycopg.Connection[Any], tables: tuple[str, ...]) -> None:
    """LIKE copies everything but the foreign keys."""
    keys = connection.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
        (list(tables),),
    ).fetchall()
    for table, definition in keys:
        same = definition.replace("REFERENCES patients(", "REFERENCES shaped_patients(")
        connection.execute(f"ALTER TABLE shaped_{table} ADD {same}".encode())


def _copy_out(connection: psycopg.Connection[Any], table: str, path: Path) -> None:
    with path.open("wb") as file, connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows:
        for block in rows:
            file.write(block)


def _copy_in(connection: psycopg.Connection[Any], table: str, path: Path) -> float:
    connection.execute("CHECKPOINT")
    started = time.perf_counter()
    with path.open("rb") as file, connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as rows:
        while block := file.read(BLOCK):
            rows.write(block)
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(_load(Path(sys.argv[1]))))  # noqa: T201
