"""What a column can mean to us, and under which names the systems practices use write it."""

import re
import unicodedata
from enum import StrEnum


class Field(StrEnum):
    EXTERNAL_ID = "external_id"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"
    BIRTH_DATE = "birth_date"
    DEATH_DATE = "death_date"
    STATUS = "status"
    DECEASED = "deceased"
    MOBILE = "mobile"
    PHONE = "phone"
    HOME_PHONE = "home_phone"
    WORK_PHONE = "work_phone"
    EMAIL = "email"
    STATE = "state"
    ZIP = "zip"
    COUNTRY = "country"
    LANGUAGE = "language"
    DO_NOT_CONTACT = "do_not_contact"
    DO_NOT_CALL = "do_not_call"
    DO_NOT_TEXT = "do_not_text"
    DO_NOT_EMAIL = "do_not_email"
    TEXT_OK = "text_ok"
    EMAIL_OK = "email_ok"
    CALL_OK = "call_ok"
    CONTACT_OK = "contact_ok"
    PREFERRED_CONTACT = "preferred_contact"
    VISIT_ID = "visit_id"
    HAPPENED = "happened"
    TREATMENT = "treatment"
    VISIT_STATUS = "visit_status"
    VISIT_CANCELLED = "visit_cancelled"
    VISIT_DONE = "visit_done"
    QUARANTINED_ROW = "quarantined_row"


LABELS = {
    Field.EXTERNAL_ID: "patient number",
    Field.FIRST_NAME: "first name",
    Field.LAST_NAME: "last name",
    Field.FULL_NAME: "whole name",
    Field.BIRTH_DATE: "birth date",
    Field.DEATH_DATE: "death date",
    Field.STATUS: "patient status",
    Field.DECEASED: "deceased (yes/no)",
    Field.MOBILE: "mobile phone",
    Field.PHONE: "phone",
    Field.HOME_PHONE: "home phone",
    Field.WORK_PHONE: "work phone",
    Field.EMAIL: "email",
    Field.STATE: "state",
    Field.ZIP: "ZIP",
    Field.COUNTRY: "country",
    Field.LANGUAGE: "language",
    Field.DO_NOT_CONTACT: "do not contact at all (yes/no)",
    Field.DO_NOT_CALL: "do not call (yes/no)",
    Field.DO_NOT_TEXT: "do not text (yes/no)",
    Field.DO_NOT_EMAIL: "do not email (yes/no)",
    Field.TEXT_OK: "may be texted (yes/no)",
    Field.EMAIL_OK: "may be emailed (yes/no)",
    Field.CALL_OK: "may be called (yes/no)",
    Field.CONTACT_OK: "may be contacted at all (yes/no)",
    Field.PREFERRED_CONTACT: "preferred way of contact",
    Field.VISIT_ID: "visit number",
    Field.HAPPENED: "date of the visit or treatment",
    Field.TREATMENT: "treatment or service",
    Field.VISIT_STATUS: "status of the visit",
    Field.VISIT_CANCELLED: "visit was cancelled or missed (yes/no)",
    Field.VISIT_DONE: "visit was completed (yes/no)",
    Field.QUARANTINED_ROW: "number of the quarantined row it corrects",
}
"""How the pages call each field."""

PHONES = (Field.MOBILE, Field.PHONE, Field.HOME_PHONE, Field.WORK_PHONE)
"""The first good number in this order is the one we use."""

_NAMES = {
    Field.EXTERNAL_ID: (
        "id patientid patientnumber patientno patnum clientid clientnumber customerid guestid memberid uniqueid "
        "externalid mrn medicalrecordnumber chartnumber chartno accountnumber guestcode clientcode customercode "
        "patientcode patientkey clientkey"
    ),
    Field.FIRST_NAME: "first firstname fname givenname given forename patientfirstname clientfirstname "
    "customerfirstname guestfirstname",
    Field.LAST_NAME: "last lastname lname surname familyname family patientlastname clientlastname "
    "customerlastname guestlastname",
    Field.FULL_NAME: (
        "name fullname patientname patient clientname client customername customer guestname guest contactname"
    ),
    Field.BIRTH_DATE: (
        "birthdate birthday dateofbirth dob bday born patientdob fechadenacimiento fechanacimiento fechadenac fechanac"
    ),
    Field.DEATH_DATE: "deathdate dateofdeath deceaseddate deceasedon dod",
    Field.STATUS: (
        "patstatus patientstatus clientstatus customerstatus contactstatus leadstatus recordstatus "
        "accountstatus lifecyclestage accountstate userstate memberstate recordstate"
    ),
    Field.DECEASED: "deceased isdeceased dead",
    Field.MOBILE: (
        "mobile mobilenumber mobilephone mobilephonenumber cell cellphone cellphonenumber cellular wirelessphone "
        "wireless textnumber smsnumber phonecell phonemobile phonecellular patientmobile patientmobileno patientcell "
        "patientmobilephone clientmobile clientcell customermobile customercell guestmobile"
    ),
    Field.PHONE: "phone phonenumber telephone telephonenumber tel primaryphone phone1 contactnumber "
    "customerphone clientphone patientphone guestphone customerphonenumber clientphonenumber patientphonenumber",
    Field.HOME_PHONE: "homephone hmphone homenumber phonehome homephonenumber phone2 nightphone landline",
    Field.WORK_PHONE: "workphone wkphone worknumber phonework workphonenumber businessphone officephone dayphone",
    Field.EMAIL: "email emailaddress mail emailid patientemail clientemail primaryemail customeremail guestemail",
    Field.STATE: "state stateprovince province region st statecode homestate",
    Field.ZIP: "zip zipcode postalcode postcode postal zippostalcode",
    Field.COUNTRY: "country countrycode countryname homecountry nation",
    Field.LANGUAGE: "language preferredlanguage primarylanguage lang spokenlanguage",
    Field.DO_NOT_CONTACT: "dnd donotdisturb blocked donotcontact dnc optout optedout",
    Field.DO_NOT_CALL: "donotcall nocalls calloptout donotphone",
    Field.DO_NOT_TEXT: "donottext donotsms smsoptout textoptout notexts",
    Field.DO_NOT_EMAIL: "donotemail emailoptout unsubscribed emailunsubscribed noemail",
    Field.TEXT_OK: (
        "txtmsgok textok smsok smsremind smsreminder smsreminders smsconsent smsoptin textoptin smsmarketing "
        "acceptssmsmarketing sendpromotionaltexts sendaccounttexts sendscheduletexts textreminders"
    ),
    Field.EMAIL_OK: (
        "sendpromotionalemails sendaccountemails sendscheduleemails emailconf emailremind emailreminder emailreminders "
        "emailoptin emailconsent emailmarketing acceptsemailmarketing"
    ),
    Field.CALL_OK: "callok phoneok calloptin callconsent",
    Field.PREFERRED_CONTACT: "preferconfirmmethod prefercontactmethod preferredcontact preferredcontactmethod",
    Field.VISIT_ID: "visitid appointmentid apptid aptnum encounterid bookingid invoiceid saleid procnum procedureid",
    Field.HAPPENED: (
        "aptdatetime apptdate apptdatetime appointmentdate appointment appointmentdatetime visitdate dateofvisit "
        "servicedate dateofservice treatmentdate procdate procedureddate proceduredate date lastvisit lastvisitdate "
        "lastappointment lastappointmentdate completedon completeddate scheduleddate "
        "starttime startat startsat startdatetime startdate"
    ),
    Field.TREATMENT: (
        "procdescript apptservice apptservic appointmentservice service servicename services treatment treatmentname "
        "treatments procedure procedurename procedures visittype appointmenttype lastservice lasttreatment"
    ),
    Field.VISIT_STATUS: "aptstatus apptstatus appointmentstatus visitstatus bookingstatus",
    Field.QUARANTINED_ROW: "quarantinedrow",
}
SYNONYMS = {name: field for field, names in _NAMES.items() for name in names.split()}

_PLAIN = re.compile(r"[^a-z0-9]+")


def plain(header: str) -> str:
    """A header reduced to what systems agree on: "E-Mail Address", "email_address" and "EMAILADDRESS" are one."""
    folded = unicodedata.normalize("NFKD", header).casefold()
    return _PLAIN.sub("", folded) or header.strip().casefold()
