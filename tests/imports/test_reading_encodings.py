"""The names of a file are right, or its encoding is asked for: nobody is stored, or greeted, under letters that were
guessed."""

from contextlib import suppress
from encodings.aliases import aliases

import pytest

from ops.imports.reading.records import Unreadable
from ops.imports.reading.western import is_western
from tests.exports import opened, read

HEAD = "Patient ID,First Name,Last Name,DOB\n"
POLISH, CZECH = ["Łukasz Żółw", "Wałęsa", "Michał Kowalczyk"], ["Jiří Dvořák", "Tomáš Novák", "Kateřina Součková"]
HUNGARIAN, ROMANIAN = ["Zoltán Kőszegi", "Petőfi", "Győző"], ["Ștefan Brăila", "Mărgineanu", "Țăran"]
PEOPLE = ["José Muñoz", "Zoë Lane", "Jürgen Groß"]
WESTERN = [
    "José Nuñez", "Zoë Bélanger", "María García", "MUÑOZ", "Íñigo Ibáñez", "Begoña Añé", "Jürgen Müller", "Weiß",
    "Søren Kjærgaard", "Åse Bjørnsen", "João Conceição", "Inês Guimarães", "Benoît Lefèvre", "Anaïs Crête", "Loïc",
    "Hélène", "Niccolò Rò", "François Lebœuf", "McÉvoy", "Mª José", "Señora d’Aubigné", "L’Oréal", "O’Neil",
    "Botox® 20u – first", "Juvéderm™", "Women’s “special”", "Peña’s", "Núñez-Ibáñez", "Québec", "Zürich", "Naïma Noël",
]  # fmt: skip
FOREIGN = {
    "cp1250": POLISH + CZECH, "iso8859_2": POLISH + HUNGARIAN, "mac_latin2": CZECH, "cp852": HUNGARIAN,
    "cp1254": ["Ayşe Yıldız", "Çağla Şahin"], "iso8859_9": ["Ayşe Yıldız"], "cp857": ["Ayşe Yıldız"],
    "cp1257": ["Jānis Bērziņš", "Žemaitė"], "iso8859_4": ["Jānis Bērziņš"], "iso8859_13": ["Žemaitė Šarūnas"],
    "cp1251": ["Иван Петров"], "koi8_r": ["Иван Петров"], "iso8859_5": ["Иван Петров"], "cp866": ["Иван Петров"],
    "mac_cyrillic": ["Иван Петров"], "cp1253": ["Γιώργος Παππάς"], "iso8859_7": ["Γιώργος Παππάς"],
    "cp1255": ["דוד כהן"], "iso8859_8": ["דוד כהן"], "cp1256": ["محمد علي"], "iso8859_6": ["محمد علي"],
    "tis_620": ["สมชาย ใจดี"], "gb18030": ["王伟 李娜", "张敏"], "gbk": ["刘洋"], "big5": ["陳怡君", "林志明"],
    "euc_kr": ["김민준", "이서연"], "euc_jp": ["山田 太郎", "鈴木"], "iso2022_jp": ["山田 太郎"], "hz": ["王伟 李娜"],
    "iso2022_kr": ["김민준"], "mac_roman": ["José Muñoz", "María García", "Díaz"], "cp437": ["José Muñoz", "García"],
    "cp850": ["José Muñoz", "Ángela García"], "cp860": ["João"], "iso8859_16": ["Ștefan Brăila"], "cp1258": ["Đặng"],
}  # fmt: skip


def table(people: list[str], encoding: str) -> bytes:
    rows = [f"{number},{person.replace(' ', ',', 1)}" for number, person in enumerate(people)]
    plain = [f"{number},John,Smith" for number in range(100, 130)]
    lines = [row + "," * (3 - row.count(",")) for row in rows + plain]
    return (HEAD + "\n".join(lines) + "\n").encode(encoding, "ignore")


@pytest.mark.parametrize("encoding", list(FOREIGN))
def test_rows_of_another_encoding_are_kept_aside_and_the_plain_ones_are_stored(encoding):
    people = FOREIGN[encoding]
    good, bad = read(table(people, encoding), "c.csv")
    assert {row.patient.first_name for row in good} == {"John"}
    assert [row.cells[0] for row in bad] == [str(number) for number in range(len(people))]
    assert all("save the file as UTF-8" in row.reasons[0] or "is not a name" in row.reasons[0] for row in bad)


def test_what_a_person_can_do_about_it_is_said_with_the_file():
    (note,) = opened(table(["Jiří Dvořák"], "cp1250")).notes
    assert "which encoding" in note and "UTF-8" in note


def test_a_header_whose_letters_are_doubtful_is_asked_for_at_once():
    with pytest.raises(Unreadable, match=r"the header contains bytes that are no letters .* save the file as UTF-8"):
        read("Číslo,First Name,Zákaz volání\n1,Ada,ano\n".encode("cp1250"))


@pytest.mark.parametrize("person", [name for names in FOREIGN.values() for name in names if not name.isascii()])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_says_its_encoding_is_read_whatever_the_language(person, encoding):
    good, bad = read(table([person], encoding))
    assert (bad, " ".join(good[0].patient[2:4]).strip()) == ([], person)


@pytest.mark.parametrize("text", WESTERN)
def test_names_of_western_europe_are_read_as_windows_writes_them(text):
    assert is_western(text)
    assert text.encode("cp1252").decode("cp1252") == text


def test_a_whole_file_of_them_is_read():
    good, bad = read(table(WESTERN[:19], "cp1252"))
    assert ([f"{row.patient.first_name} {row.patient.last_name}".strip() for row in good[:19]], bad) == (
        WESTERN[:19],
        [],
    )


@pytest.mark.parametrize("encoding", ["cp1250", "iso8859_2", "cp1254", "mac_roman", "cp850", "cp437", "iso8859_13"])
@pytest.mark.parametrize(
    "person", [*POLISH, *CZECH, *HUNGARIAN, "Ayşe Yıldız", "José", "Díaz", "María", "Núñez", "Jérôme"]
)
def test_one_name_read_wrongly_is_enough_to_ask(encoding, person):
    raw = person.encode(encoding, "ignore")
    wrong = raw.decode("cp1252", "replace")
    if not wrong.isascii() and wrong != person and raw.decode(encoding) == person:
        assert "\ufffd" in wrong or not is_western(wrong)


def test_a_name_that_was_encoded_twice_is_no_name():
    twice = "José".encode().decode("cp1252")
    good, bad = read(HEAD + f"1,{twice},Lane,\n2,Bea,Lane,\n")
    assert [row.external_id for row in good] == ["2"]
    assert "read in a wrong encoding" in bad[0].reasons[0]


def encodings_of_python() -> list[str]:
    """Every encoding Python knows that holds these names at all."""
    found = set()
    for alias in set(aliases.values()) - {"punycode", "idna", "unicode_escape", "raw_unicode_escape"}:
        with suppress(UnicodeError, LookupError):
            if "".join(PEOPLE).encode(alias).decode(alias) == "".join(PEOPLE):
                found.add(alias)
    return sorted(found)


@pytest.mark.parametrize("encoding", encodings_of_python())
def test_any_encoding_of_python_gives_right_names_or_is_asked_for(encoding):
    try:
        good, _ = read(table(PEOPLE, encoding))
    except Unreadable:  # bytes in which not even the header is plain
        return
    assert {f"{row.patient.first_name} {row.patient.last_name}" for row in good} <= {*PEOPLE, "John Smith"}
