"""The United States on a list: states and territories, and their clocks."""

_STATES = (
    "AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, DE Delaware, "
    "DC District of Columbia, FL Florida, GA Georgia, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa, "
    "KS Kansas, KY Kentucky, LA Louisiana, ME Maine, MD Maryland, MA Massachusetts, MI Michigan, "
    "MN Minnesota, MS Mississippi, MO Missouri, MT Montana, NE Nebraska, NV Nevada, NH New Hampshire, "
    "NJ New Jersey, NM New Mexico, NY New York, NC North Carolina, ND North Dakota, OH Ohio, OK Oklahoma, "
    "OR Oregon, PA Pennsylvania, RI Rhode Island, SC South Carolina, SD South Dakota, TN Tennessee, TX Texas, "
    "UT Utah, VT Vermont, VA Virginia, WA Washington, WV West Virginia, WI Wisconsin, WY Wyoming, "
    "PR Puerto Rico, VI Virgin Islands, GU Guam, AS American Samoa, MP Northern Mariana Islands"
)
STATES = {code: name for code, _, name in (pair.partition(" ") for pair in _STATES.split(", "))}
"""Name by two-letter code, territories included."""
OVERSEAS = {
    "AA": "Armed Forces, Americas",
    "AE": "Armed Forces, Europe",
    "AP": "Armed Forces, Pacific",
    "FM": "Micronesia",
    "MH": "Marshall Islands",
    "PW": "Palau",
}
"""Name by two-letter code of where our post goes beyond the states: no state's law holds there."""
MILITARY = frozenset({"AA", "AE", "AP"})
"""Addresses of the forces abroad: a postal code, not a place."""
ELSEWHERE = "??"
"""In place of a state or ZIP that was given and lies abroad or cannot be read: unlike one nobody gave it may be
anywhere, whatever the area code says."""
