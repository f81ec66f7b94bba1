"""Who is in the demo agency."""

from typing import NamedTuple

PASSWORD = "try-the-loop-2026"  # noqa: S105 (printed on the screen of whoever starts the demo)
AREA_CODES = {
    "CA": ("213", "310", "323", "408", "415", "510", "619", "626", "650", "714", "760", "805", "818", "831", "858"),
    "IL": ("217", "224", "309", "312", "331", "630", "708", "773", "815", "847"),
    "TX": ("210", "214", "254", "281", "325", "361", "409", "512", "713", "806", "817", "830", "832"),
    "CO": ("303", "719", "720", "970"),
    "NY": ("212", "315", "347", "516", "518", "585", "607", "631", "646", "716", "718", "845", "914", "917"),
    "FL": ("239", "305", "321", "352", "386", "407", "561", "727", "754", "772", "786", "813", "863"),
}
ZIPS = {"CA": "921", "IL": "606", "TX": "787", "CO": "802", "NY": "100", "FL": "331"}
"""The first three digits; all of them lie in one zone."""
PACIFIC, MOUNTAIN, CENTRAL, EASTERN = (
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
)


class DemoPractice(NamedTuple):
    slug: str
    name: str
    spoken: str
    state: str
    zone: str
    hours: float
    """A month, at first; what its calls then take decides the contract of the month that runs."""
    patients: int
    style: str
    specialty: str
    helps_best: str
    shareable: str
    services: tuple[str, ...]
    appeal: float
    """How willing its patients are, about 1: practices differ."""


def _practice(*given: object) -> DemoPractice:
    return DemoPractice(*given)  # type: ignore[arg-type]


INJECTABLES = ("Botox 40 units", "Juvederm Voluma", "Dysport", "Restylane Kysse")
SKIN = ("Laser resurfacing", "Microneedling with PRP", "Chemical peel", "HydraFacial")
BODY = ("CoolSculpting abdomen", "Body contouring", "Laser hair removal legs")
INNER = ("Semaglutide weight management", "Hormone optimization visit", "IV vitamin drip")

PRACTICES = (
    _practice("harbor-skin", "Harbor Skin Clinic", "Harbor Skin", "CA", PACIFIC, 4, 46, "open-dental",
              "Medical spa", "women 35 to 55 who want to look refreshed, not different",
              "They explain every step and never push.", INJECTABLES + SKIN, 1.1),
    _practice("mesa-aesthetics", "Mesa Aesthetics", "Mesa", "CA", PACIFIC, 2, 20, "fresha",
              "Medical spa", "busy people who want natural results without downtime",
              "Small team, honest advice, no waiting room.", INJECTABLES, 1.0),
    _practice("lakeshore-laser", "Lakeshore Laser & Skin", "Lakeshore Laser", "IL", CENTRAL, 2.5, 28, "med-spa",
              "Laser clinic", "people with sun damage or scars who have tried creams and given up",
              "They show you real results on skin like yours.", SKIN + BODY, 0.9),
    _practice("prairie-skin", "Prairie Skin Studio", "Prairie Skin", "IL", CENTRAL, 1, 14, "mindbody",
              "Skin studio", "anyone who wants calm, clear skin with a plan they can keep",
              "One person who knows your skin, every visit.", SKIN, 1.2),
    _practice("hill-country", "Hill Country Med Spa", "Hill Country", "TX", CENTRAL, 2.5, 26, "open-dental",
              "Medical spa", "women 40 to 60 who want to look rested again",
              "Warm people and very steady hands.", INJECTABLES + BODY, 1.0),
    _practice("alamo-wellness", "Alamo Wellness", "Alamo Wellness", "TX", CENTRAL, 1, 16, "med-spa",
              "Hormones and metabolism", "people over 40 who feel tired and were told that is normal",
              "They look at the labs with you until it makes sense.", INNER, 0.8),
    _practice("front-range", "Front Range Aesthetics", "Front Range", "CO", MOUNTAIN, 2, 20, "fresha",
              "Medical spa", "outdoor people who want their skin to keep up with them",
              "Straight talk about sun, and results that last.", INJECTABLES + SKIN, 1.0),
    _practice("summit-metabolic", "Summit Metabolic", "Summit", "CO", MOUNTAIN, 1, 14, "mindbody",
              "Weight management", "people who have lost the same twenty pounds five times",
              "No judgment, a plan, and somebody who calls.", INNER, 0.7),
    _practice("hudson-derm", "Hudson Dermatology Studio", "Hudson Derm", "NY", EASTERN, 4, 36, "open-dental",
              "Cash-pay dermatology", "people who want a doctor's eye and a gentle hand",
              "You see the doctor, not a salesperson.", SKIN + INJECTABLES, 0.9),
    _practice("cayuga-skin", "Cayuga Skin", "Cayuga Skin", "NY", EASTERN, 1, 12, "med-spa",
              "Skin studio", "teachers, nurses and everyone else who looks after others first",
              "An hour that is only about you.", SKIN, 1.3),
    _practice("biscayne-body", "Biscayne Body", "Biscayne Body", "FL", EASTERN, 2, 22, "fresha",
              "Body contouring", "parents who want to feel at home in their body again",
              "They tell you what will not work, too.", BODY + INNER, 0.9),
    _practice("gulf-glow", "Gulf Glow", "Gulf Glow", "FL", EASTERN, 1, 16, "mindbody",
              "Medical spa", "first-timers who want someone patient with questions",
              "The place I send my own mother.", INJECTABLES, 1.1),
)  # fmt: skip

ADMIN = ("Avery Quinn", "admin@example.com")
LEADS = (("Lena Hoffmann", "lena@example.com"), ("Luis Ortega", "luis@example.com"))
AGENTS = (
    ("Dana Reyes", "dana@example.com"),
    ("Eli Novak", "eli@example.com"),
    ("Farah Haddad", "farah@example.com"),
    ("Grace Lindqvist", "grace@example.com"),
    ("Hugo Marin", "hugo@example.com"),
    ("Imani Brooks", "imani@example.com"),
    ("Jonas Weber", "jonas@example.com"),
    ("Kaya Tanaka", "kaya@example.com"),
)
OFF_PACE = {"cayuga-skin": 0.7, "hudson-derm": 1.5}
"""Of the hours their calls take, what these have bought for the month: one is ahead of its pace, one behind."""
WITH_CHECK_IN = {"harbor-skin", "hudson-derm", "cayuga-skin"}
"""Practices that bought the call two days after a treatment, too."""

FIRST_NAMES = (
    "Adela Aisha Alma Amara Ana Anika Beatriz Bianca Camille Carla Celeste Chloe Dalia Daniela Delia Elena "
    "Elise Esther  Farida Fiona Flora Gloria Greta Hana Harriet Helena Ida Ines Irene Iris Ivy Jana Joelle "
    "Josephine Julia Kamala Keiko  Lara Leila Lidia Lorena Lucia Maeve Malika Mara Margot Mariam Marta Maya "
    "Mina Mira Nadia Naomi Nina Noor Odette Olive  Paloma Petra Priya Ramona Renata Rosa Ruth Sabine Salma "
    "Sara Selma Sofia Stella Tamara Tessa Uma Vera Viola Yasmin Zoe  Andre Ben Carlos David Emil Felix Gabriel "
    "Henry Isaac Jakob Karim Leo Marco Nico Omar Pavel Rafael Samuel Tomas Victor"
).split()
LAST_NAMES = (
    "Abbott Acosta Adler Alvarez Andersen Arslan Banerjee Barros Becker Bennett Berg Bianchi Boyd Bravo "
    "Castillo Chandra  Cohen Costa Dang Delgado Diaz Dolan Duarte Egan Eriksen Farrell Ferreira Fischer Flynn "
    "Fontaine Garza Gomez Grant  Haas Hansen Hassan Herrera Holm Ibarra Ito Jansen Jensen Kapoor Keller Khan "
    "Kowalski Kraus Laurent Lee Lindgren Lopez  Malik Marsh Mehta Mendez Meyer Molina Moreau Nakamura Nguyen "
    "Nilsen Novak Okafor Olsen Ortiz Osei Park Patel Pereira  Quintero Ramos Reid Rinaldi Rossi Salazar Santos "
    "Schmidt Shah Silva Sorensen Suzuki Torres Varga Vega Vogel Walsh  Weiss Whitaker Yamada Young Zamora "
    "Ziegler"
).split()
