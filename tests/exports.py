"""Practices' export files for tests, in the real header styles. Everybody in them is invented."""

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any

import xlsxwriter

from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import BadRow, GoodRow
from ops.imports.reading.sources import Source, open_source

TODAY = date(2026, 6, 15)
ZONE = "America/Chicago"

FRESHA = (
    "Client ID,First Name,Last Name,Email,Mobile Number,Telephone,Gender,Date of Birth,City,Note,Blocked,Added\n"
    "F1,Ada,Lane,ada@example.com,+1 312-555-0101,,Female,12 Mar 1985,Chicago,likes tea,No,1 Jan 2025\n"
    "F2,Bea,Cole,,,(312) 555-0102,Female,,Chicago,,Yes,1 Jan 2025\n"
)
OPEN_DENTAL = (
    "PatNum,LName,FName,MiddleI,Preferred,PatStatus,Gender,Birthdate,Address,City,State,Zip,HmPhone,WkPhone,"
    "WirelessPhone,Email,TxtMsgOk,PreferConfirmMethod,AptDateTime,AptStatus,ProcDescript\n"
    "1,Lane,Ada,,,Patient,F,1985-03-12,1 Main,Chicago,IL,60601,,,(312)555-0101,ada@example.com,Yes,None,"
    "2026-05-02 09:30:00,Complete,Botox 40u\n"
    "2,Cole,Bea,,,Patient,F,0001-01-01,2 Main,Chicago,IL,60601,312-555-0102,,,,No,DoNotCall,"
    "2026-05-03 10:00:00,Broken,Filler\n"
    "3,Drew,Cleo,,,Deceased,F,0000-00-00,3 Main,Chicago,IL,60601,,,,,?,None,0001-01-01 00:00:00,,\n"
)
MINDBODY = (
    "first_name,last_name,mobile_phone,home_phone,work_phone,email,birth_date,referred_by,is_prospect,"
    "send_promotional_emails\n"
    "Ada,Lane,3125550101,,,ada@example.com,1985-03-12T00:00:00,,false,true\n"
    "Bea,Cole,,3125550102,,bea@example.com,1990-07-01T00:00:00,,false,false\n"
)
MED_SPA_CLIENTS = (
    "client_id,firstname,lastname,email,homephone,workphone,cellphone,phone,column9,6635,562\n"
    "M1,Ada,Lane,ada@example.com,,,312.555.0101,,x,1,2\n"
)
MED_SPA_VISITS = (
    "client_id,appt_date,appt_servic,dnd,sms_remind,email_conf,promo,campaign,balance\n"
    "M1,05/02/2026,Dysport,no,yes,yes,SPRING,3,0.00\n"
    "M1,05/20/2026,HydraFacial,no,no,yes,,3,0.00\n"
)
SYNTHEA_PATIENTS = (
    "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,"
    "BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE\n"
    "p-1,1985-03-12,,999-00-0001,,,Ms.,José12,O'Néill345,,,,,,F,Here,1 Main,Visalia,California,Tulare,93291,1,2,3,4\n"
    "p-2,1950-01-02,2020-02-03,999-00-0002,,,,Ana Luz7,Vela8,,,,,,F,Here,2 Main,Reno,California,Kern,93291,1,2,3,4\n"
    "p-3,2020-01-02,,999-00-0003,,,,Kid9,Vela8,,,,,,F,Here,2 Main,Visalia,California,Tulare,,1,2,3,4\n"
)
SYNTHEA_ENCOUNTERS = (
    "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,BASE_ENCOUNTER_COST,"
    "TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION\n"
    "e-1,2026-05-02T03:26:50Z,2026-05-02T03:41:50Z,p-1,o,d,y,wellness,1,Check up,1,2,3,,\n"
)
SYNTHEA_PROCEDURES = (
    "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION\n"
    "2026-05-02T03:26:50Z,2026-05-02T03:41:50Z,p-1,e-1,1,Chemical peel,903.86,,\n"
)
SYNTHEA_ORGANIZATIONS = (
    "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON,PHONE,REVENUE,UTILIZATION\n"
    "o-1,HILL HOSPITAL,1 Main,Here,CA,91950,1,2,3105550100,0.0,3\n"
)


def stream(content: bytes | str, encoding: str = "utf-8") -> io.BytesIO:
    return io.BytesIO(content.encode(encoding) if isinstance(content, str) else content)


def opened(content: bytes | str, name: str = "file.csv", profile: Profile | str | None = None) -> Source:
    return open_source(stream(content), name, profile)


def read(
    content: bytes | str, name: str = "file.csv", profile: Profile | str | None = None
) -> tuple[list[GoodRow], list[BadRow]]:
    """Good and bad rows of a file, read for a practice in Chicago on TODAY."""
    rows = list(opened(content, name, profile).rows(ZONE, TODAY))
    return [row for row in rows if isinstance(row, GoodRow)], [row for row in rows if isinstance(row, BadRow)]


def workbook(rows: Sequence[Sequence[Any]], more_sheets: Sequence[str] = ()) -> bytes:
    """An XLSX with these rows; dates as Excel dates."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "mm/dd/yyyy"}) as book:
        sheet = book.add_worksheet("Clients")
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
        for name in more_sheets:
            book.add_worksheet(name).write(0, 0, "else")
    return file.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def bundle(*resources: dict[str, Any], kind: str = "transaction") -> bytes:
    """A FHIR bundle; each resource is entered under urn:uuid: and its id."""
    entries = [{"fullUrl": f"urn:uuid:{one.get('id', '')}", "resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def fhir_patient(number: str = "p-1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": number,
        "name": [{"use": "official", "family": "Lane", "given": ["Ada", "May"]}],
        "birthDate": "1985-03-12",
        "telecom": [
            {"system": "phone", "value": "312-555-0101", "use": "home"},
            {"system": "phone", "value": "312-555-0102", "use": "mobile"},
            {"system": "email", "value": "ada@Example.com"},
        ],
        "address": [{"state": "IL", "postalCode": "60601-1234", "country": "US"}],
        "communication": [{"language": {"coding": [{"code": "es"}]}}],
    } | more


def fhir_encounter(number: str = "e-1", patient: str = "urn:uuid:p-1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": number,
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": "Check up"}],
        "subject": {"reference": patient},
        "period": {"start": "2026-05-02T03:26:50Z"},
    } | more


def fhir_procedure(number: str = "d-1", patient: str = "urn:uuid:p-1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": number,
        "status": "completed",
        "code": {"text": "Chemical peel"},
        "subject": {"reference": patient},
        "performedPeriod": {"start": "2026-05-02T03:26:50Z"},
    } | more
