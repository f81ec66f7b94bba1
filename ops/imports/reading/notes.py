"""What a cell of a column nobody reads may say by itself: a tag ("DNC"), or a note with a refusal or a death in it.

A tag has to be the whole of one; of a note each clause is looked at. What is found here costs the row its place until
a person has read it, so a clause must speak of reaching somebody, or of the patient's death: "do not use latex" does
not, "her husband died" neither.
"""

import re
import unicodedata
from functools import lru_cache

LONGEST_NOTE = 20_000
"""Characters of one cell that is looked through clause by clause; in a longer one a word is enough."""
REMEMBERED = 100
"""Characters of a cell whose answer is kept: they come again, and take little memory."""
_TOPIC = r"(contact|call|phone|text|sms|e ?mail|mail|message|disturb|send|solicit|market|communicat)\w*"
_TAG = re.compile(
    rf"(opt|opted) ?out|unsubscribed?|stop( ?all)?( please)?|alto"
    rf"|(do not|don ?t|donot) ?{_TOPIC}|dn[cdt]|no (calls|texts|sms|e ?mails?|contact)"
    r"|no (phone |more |further )+(calls|texts|sms|e ?mails?|contact)|blacklisted|banned|r i p|deceased|dead|died"
    r"|((patient|client|pt|she|he) )?((has|is) )?(passed away|deceased|died)( [\w ]{1,30})?"
    r"|((patient|client|pt) )?(do not|don ?t) (re)?(book|schedule|treat|see)"
    rf"|.*\b(never|not to|do not|don ?t|no longer)( be| to)* {_TOPIC}"
    r"( (her|him|them|me|patient|pt|us|again|any ?more|ever))*"
    r"|no (llamar|contactar|molestar|enviar|escribir|desea|quiere)( [\w ]{1,30})?|fallec\w+|difunt[oa]|muert[oa]"
    r"|dad[oa] de baja|baja voluntaria"
)
_CALLED_OFF_ALONE = re.compile(
    r"(late )?cancel+(ed|ation)?( late)?|no ?show|rescheduled|voided|refunded|(cancel|anul|reprogram)ad[oa]"
    r"|no (asistio|acudio|se presento)"
)
_HINT = re.compile(
    r"call|text|sms|mail|contact|messag|list|opt|unsub|dnc|dn[dt]\b|desist|stop|remov|deceas|died|passed|dead|market"
    r"|llam|molest|escrib|mensaj|correo|baja|falleci|difunt|number|reach|communic|solicit|alone|d n c|promoc|public"
)
"""Without one of these a note is not looked at further."""
_REACH = r"(contact|call|phone|text|sms|e ?mail|messag|communicat|solicit|market|reach|disturb|bother)\w*"
_THINGS = (
    r"(calls?|texts?|sms|e ?mails?|contact|messages?|communications?|marketing|solicitations?|outreach|reminders?)"
)
_NOTE = re.compile(
    rf"\b(do not|dont|donot|never|not to|no longer|not|cannot|shouldnt|doesnt|does not|didnt)"
    rf"( (want|wants|wish|wishes|like|likes|care|wanting|agree|consent|ever|please|us|to|be|being|get|getting|receive"
    rf"|receiving|any|more|further|have|our|your|the|from|for|this|person|patient|client|her|him|them))* {_REACH}\b"
    rf"|\bno (more|further|additional|phone|marketing|promotional|unsolicited)( (more|phone|marketing))* {_THINGS}\b"
    rf"|\b(wants?|requests?|requested|asked for|prefers?|said|says) no (\w+ )?{_THINGS}\b"
    rf"|\b(stop|quit|cease|end|discontinue)( (all|any|the|our|sending|further))* ?{_REACH}\b"
    r"|\b(opt|opted|opting|opts) ?out\b|\bunsubscrib\w*|\bd ?n ?[cd]\b|\bblack ?list\w*|\bcease (and )?desist\b"
    r"|\b(remove|removed|take|taken|took|delete)( \w+){0,4} (from|off)( \w+){0,3} (lists?|database|records)\b"
    r"|\b(lose|delete|remove|erase)( (her|his|their|my|the|this))? (phone )?number\b|\bleave (me|her|him|them) alone\b"
    r"|\bwrong (phone )?number\b|\bnot (her|his|their|the patient s|the right) (phone )?number\b"
    r"|\b(patient|client|pt|she|he|mrs?|ms)( \w+)? (has |is |was |had )?(passed away|passed|deceased|died|dead)\b"
    r"( (on|in|away|last|this|\d)|$)|^(is |was )?(deceased|passed away)\b|\b(is|was|now) deceased\b"
    r"|\b(per|from|by|according to)( \w+){0,3} (patient|pt|client|she|he) (passed away|died|is deceased)\b"
    r"|\bno( \w+){0,3} (llam(ar|en|e|adas?)|contact(ar|en|e)|molest(ar|en|e)|escrib(ir|an|a)|envi(ar|en|e)|mensajes?"
    r"|correos?|promociones|publicidad)(l[aeo]s?)?\b"
    r"|\b(dejar?|dejen|paren|deje) de (llamar|escribir|enviar|contactar|molestar|mandar)\w*"
    r"|\b(dar|darse|darle|darla|dado|dada|dio|pidio) (de|la) baja\b|\bfalleci\w*|\bdifunt[oa]\b"
)
_OF_OTHERS = re.compile(
    r"\b(husband|wife|spouse|partner|mother|father|mom|mum|dad|parents?|son|daughter|brother|sister|aunt|uncle|cousin"
    r"|grand\w+|friend|dog|cat|pet|fiance\w*|boyfriend|girlfriend|in law|esposo|esposa|marido|madre|padre|mama|papa"
    r"|hij[oa]|herman[oa]|abuel[oa]|ti[oa]|perr[oa])\b"
)
_DEATH = re.compile(r"(is |was |now )?(passed|deceased|died|dead|falleci|difunt)")
_CLAUSE = re.compile(r"[.!?;\n\r|]+(?!\w)|[;\n\r|]+|\s[-–—]+\s|,\s|\b(?:but|pero)\b", re.I)


def tells(text: str, dated: bool) -> bool:
    """Whether a cell of a column nobody reads says, as a tag or in a note, that somebody died or refused, or (`dated`)
    that a visit was called off."""
    return _short(text, dated) if len(text) <= REMEMBERED else _told(text, dated)


def _told(text: str, dated: bool) -> bool:
    if len(text) > LONGEST_NOTE:
        return _HINT.search(text.casefold()) is not None
    parts = re.split(r"[,;|/]", text)
    if "RIP" in text and any(part.strip() == "RIP" for part in parts):  # "Rip" is a name
        return True
    tags = map(_words, parts)
    if any(_TAG.fullmatch(tag) or (dated and _CALLED_OFF_ALONE.fullmatch(tag)) for tag in tags):
        return True
    return _HINT.search(text.casefold()) is not None and any(map(_refuses, _CLAUSE.split(text)))


_short = lru_cache(maxsize=1 << 14)(_told)


def _refuses(clause: str) -> bool:
    """Whether one clause does. A death that is told without saying whose may be that of a relative named before it."""
    words = _words(clause).replace("don t", "dont").replace("doesn t", "doesnt").replace("didn t", "didnt")
    found = _NOTE.search(words)
    if found is None or not _DEATH.match(found[0]):
        return found is not None
    return not _OF_OTHERS.search(" ".join(words[: found.start()].split()[-4:]))


def _words(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(character for character in folded if not unicodedata.combining(character))
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())
