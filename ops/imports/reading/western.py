"""Whether text that does not say its encoding can be believed to be Windows-1252, or Japanese in Shift-JIS.

Any bytes are some text in Windows-1252: "Jiří" of a Central European file reads "Jiøí" there, "José" of an old Mac
"JosŽ". So what is read must look like the names of Western Europe down to the last word: letters of one language, in
places where that language has them. One word that does not makes the file doubtful, and its encoding is asked for.
"""

import re

_LANGUAGES = {
    "Spanish": "áéíóúüñ",
    "Portuguese": "áàâãçéêíóôõúü",
    "French": "àâæçéèêëîïôœùûüÿ",
    "German": "äöüßé",
    "Nordic": "åäöæøéü",
    "Italian": "àèéìîòóù",
    "Catalan": "àçéèíïóòúü",
    "Dutch": "äëéèïöüóáç",
}
_MARKS = "ªº²³¹µ¼½¾"
"""Python calls them letters or digits."""
_WORD = re.compile(rf"[^\W\d_{_MARKS}]+")
_SIGN = re.compile(rf"[^\x00-\x7f\w]|[{_MARKS}]")
_VOWELS = frozenset("aeiouyáàâãäåæéèêëíìîïóòôõöøœúùûü")
_SHORT = frozenset("àáéèóú")
_CAPITAL_INSIDE = re.compile(r"[A-Z][a-zé]{1,2}[A-ZÁÉÍÓÚÑ][a-záéíóúñü]+")
_APOSTROPHE = re.compile(r"\b[^\W\d_]’[^\W\d_a-z]|[^\W\d_]’(?:s|t|re|ll|ve|d|m)\b")
"""O’Neil and Women’s; not the "D’az" that an old Mac made of Díaz."""
_FREE = "“”‘’–—…«»•·€§¿¡\xa0\xad"
_CLOSING = "®™©’”…»–—°º\xa0ª²³½"
"""What may stand right behind a letter or a digit."""
_NOT_JAPANESE = re.compile(r"[\uff61-\uff9f]|[a-z][^\x00-\x7f]|[^\x00-\x7f][a-z]")
_LAST_OF_LEVEL_1 = b"\x98\x72"


def is_western(text: str) -> bool:
    """Whether every word and sign beyond ASCII stands where Western European text has it."""
    words = dict.fromkeys(word for word in _WORD.findall(text) if not word.isascii())
    return all(map(_is_word, words)) and all(_is_sign(text, found.start()) for found in _SIGN.finditer(text))


def _is_word(word: str) -> bool:
    lower = word.lower()
    beyond = [letter for letter in lower if not letter.isascii()]
    if lower in _SHORT:
        return True
    if not (word.isupper() or word[1:] == lower[1:] or _CAPITAL_INSIDE.fullmatch(word)):
        return False
    if len(beyond) * 3 > len(lower) * 2 or not any(set(beyond) <= set(each) for each in _LANGUAGES.values()):
        return False
    return all(_fits(lower, at) for at, letter in enumerate(lower) if not letter.isascii())


def _fits(word: str, at: int) -> bool:
    """Whether a letter stands where it must, if its place tells it from what other encodings have in its stead (ñ from
    ń, ã from ă, ø from ř, è from č, õ from ő, ê from ę, ï from ď, ù from ů, û from ű)."""
    before, after = word[at - 1 : at], word[at + 1 : at + 2]
    match word[at]:
        case "ñ" | "ç":
            return after in _VOWELS
        case "ã":
            return word[at + 1 :] in ("", "s") or after in ("o", "e")
        case "õ":
            return after == "e"
        case "ø":
            return bool(after) and not {before, after} & _VOWELS
        case "œ":
            return after == "u"
        case "æ":
            return bool(after) and after not in _VOWELS
        case "ë" | "ï":
            return before in _VOWELS
        case "ù":
            return word in ("où", "gesù", "artù")
        case "ì" | "ò":
            return not after
        case "è" | "ê" | "û":
            return bool(before and after) and after not in _VOWELS and after not in "kwjz"
        case _:
            return True


def _is_sign(text: str, at: int) -> bool:
    sign, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if sign == "’" and before.isalpha() and after.isalpha():
        return bool(_APOSTROPHE.search(text, max(0, at - 1), at + 4))
    if before.isalpha() and after.isalpha():
        return False
    if sign in "ª²³½":
        return before.isdigit() or (sign == "ª" and before == "M")
    if before.isalnum():
        return sign in _CLOSING
    return sign in _FREE or sign in "®™©°"


def is_japanese(text: str) -> bool:
    """Whether what was read as Shift-JIS is: kana and everyday kanji, not among small Latin letters. Chinese and Korean
    bytes become narrow katakana and rare characters in it, Western ones single kanji inside words."""
    beyond = [character for character in text if not character.isascii()]
    everyday = sum(character.encode("cp932", "replace") <= _LAST_OF_LEVEL_1 for character in beyond)
    return not _NOT_JAPANESE.search(text) and everyday * 5 >= len(beyond) * 3
