"""Tables that are of neither patients nor visits, told by the columns only they have.

An export of a whole system holds insurers, diagnoses, medications and claims beside the patients. Their rows have names
and dates too, and would become patients and treatments.
"""

from collections.abc import Collection, Mapping

from ops.imports.reading.fields import PHONES, Field

_TELLING = {
    "claims": (
        "claimid claimnumber claimno claimtype claimstatus healthcareclaimtypeid1 lastbilleddate1 chargeid billedamount"
    ),
    "providers or staff": "npi npinumber speciality specialty hiredate employeeid staffid",
    "payers or insurers": (
        "stateheadquartered payerid payername payer carriername insurancecompany insurancename insurer amountcovered "
        "uniquecustomers planid planname memberid startyear"
    ),
    "organizations": "revenue utilization organizationname facilityname taxid ein",
    "diagnoses or conditions": (
        "diagnosis diagnoses diagnosisname diagnosiscode diagnosisdate icd icd10 icd10code icdcode condition "
        "conditions conditionname problem problemname onset onsetdate snomed"
    ),
    "medications": (
        "medication medications medicationname drug drugname rxnorm ndc refills sig dispenses prescription dosage"
    ),
    "allergies": "allergen allergens allergy allergies allergyname reaction reactions reaction1 severity1",
    "devices": "udi device devicename deviceid implant",
    "observations or lab results": "loinc units result resultvalue testname labtest observation referencerange",
    "immunizations": "vaccine vaccinename vaccinecode cvx immunization",
    "products": "sku stock unitprice quantityonhand reorderlevel barcode",
    "payments": "paymentid paymentdate paymentmethod amountpaid checknumber transactionid transactiondate",
}
_WHATEVER_ELSE = ("claims", "providers or staff")
"""These tables name patients or people with their numbers too; the others are ours when they do."""
_WEAK_DATES = {
    "date",
    "starttime",
    "startat",
    "startsat",
    "startdatetime",
    "startdate",
    "completedon",
    "completeddate",
    "scheduleddate",
}
_SALE_NUMBERS = {"invoiceid", "saleid"}
_PERSONAL = {Field.FIRST_NAME, Field.LAST_NAME, Field.BIRTH_DATE, Field.MOBILE}
_REACHED = {*PHONES, Field.EMAIL}


def not_ours(names: Collection[str], columns: Mapping[str, Field]) -> str | None:
    """What a table with these plain headers is of, when it is of neither patients nor visits."""
    told = next((what for what, words in _TELLING.items() if not set(words.split()).isdisjoint(names)), None)
    meanings = set(columns.values())
    if told is None or (of_visits(columns) and told != "claims"):
        return None
    named = meanings & _PERSONAL or any(
        field is Field.FULL_NAME and name != "name" and len(meanings) > 2 for name, field in columns.items()
    )
    reached = meanings & _REACHED
    return None if named and reached and told not in _WHATEVER_ELSE else told


def of_visits(columns: Mapping[str, Field]) -> bool:
    """Whether a column says that the dated rows are visits or treatments: a date alone may be that of anything."""
    dates = {name for name, field in columns.items() if field is Field.HAPPENED}
    numbers = {name for name, field in columns.items() if field is Field.VISIT_ID}
    named = Field.TREATMENT in columns.values() or bool(numbers - _SALE_NUMBERS)
    return bool(dates) and (named or bool(dates - _WEAK_DATES))
