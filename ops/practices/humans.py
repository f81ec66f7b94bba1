"""Humans, not records (records.sql): all records of one now, and whom a count at a moment counts once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from ops.db import Moment, db

Column = sa.ColumnElement[Any] | InstrumentedAttribute[Any]


RECORDS = sa.text("SELECT patient_id, phone_key, email_key FROM records_of(:practice, :patient)")


def records_of(practice_id: int, patient_id: int) -> Sequence[sa.Row]:
    """The records of one human, first the one asked about: patient_id, phone_key, email_key."""
    return db.session.execute(RECORDS, {"practice": practice_id, "patient": patient_id}).all()


def same_human(practice_id: int, patient_id: int) -> list[int]:
    """The patients that are this one human, first the one asked about. What was done under one of them stays there,
    also when the work it belongs to went over to another: look for it under all."""
    return [row.patient_id for row in records_of(practice_id, patient_id)]


def ids_of(practice_id: int | Column, patient_id: int | Column) -> sa.Select[int]:
    """The same, inside another statement."""
    found = sa.func.records_of(practice_id, patient_id).table_valued(sa.column("patient_id", sa.BigInteger))
    return sa.select(found.c.patient_id)


def merged_at(moment: datetime) -> sa.TableValuedAlias:
    """Records of humans with several, each with the record that speaks for all: patient_id, human_id. Joined from
    outside (`sa.outerjoin`): most humans have one record."""
    columns = (sa.column("patient_id", sa.BigInteger), sa.column("human_id", sa.BigInteger))
    return sa.func.merged_at(_then(moment)).table_valued(*columns).alias()


def human_of(patient: Column, merged: sa.TableValuedAlias) -> sa.ColumnElement[Any]:
    """Whom this record is of. `merged`: `merged_at`, joined by the record."""
    return sa.func.coalesce(merged.c.human_id, patient)


def records_at(patient: Column, merged: sa.TableValuedAlias, moment: datetime) -> sa.TableValuedAlias:
    """This record and the others of the same human: patient_id. For looking something up under each of them."""
    found = sa.func.records_at(patient, merged.c.human_id, _then(moment))
    return found.table_valued(sa.column("patient_id", sa.BigInteger)).alias()


def ever_under(patient: Column) -> sa.TableValuedAlias:
    """Every record under which what follows from something of this one may have been sent: patient_id."""
    return sa.func.ever_under(patient).table_valued(sa.column("patient_id", sa.BigInteger)).alias()


def _then(moment: datetime) -> sa.BindParameter[datetime]:
    return sa.bindparam(None, moment, type_=Moment)
