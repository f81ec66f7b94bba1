"""Words for what hurts, in what somebody wrote: it is read before everything else there is to do. Pure.

One closed list, English and Spanish (docs/rules.md A15). It decides only what is read first: what it misses is read
within a quarter of an hour as any other reply is, and what is marked without need ("no pain at all") costs a look. So
nothing is subtracted: no denial, no "but", no word around it.
"""

import re

_ENGLISH = (
    r"swoll?en|swell(?:s|ed|ing)?|puffy|inflam\w+|lumps?|lumpy|nodules?|droop\w*|crooked",
    r"pain(?:s|ed|ful|fully)?|hurt(?:s|ing)?|ach(?:e|es|ed|ing|y)|sore(?:ness)?|tenderness|tender to",
    r"headaches?|migraines?",
    r"burn(?:s|ed|t|ing)?|sting(?:s|ing)|blister\w*|rash(?:es)?|hives|welts?|itch\w*|redness|red and",
    r"bruis\w+|bleed\w*|bled|blood\w*|pus|ooz\w+|leak(?:s|ing)|drain(?:age|ing)|scar(?:s|red|ring)?",
    r"infect\w*|abscess\w*|fever\w*|chills|numb(?:ness|ing|ed)?|tingl\w*|blanch\w*|necro\w*|purple",
    r"turn(?:ed|ing|s) (?:white|pale|gr[ae]y|blue|black)|blurr\w*|vision|blind\w*",
    r"(?:cant|cannot|can not|couldnt|could not) (?:really )?(?:see|breathe|swallow|feel|sleep|keep (?:\w+ )?down)",
    r"(?:cant|cannot|can not|couldnt|could not) (?:move|open|close) (?:my|one|the) (?:eye|mouth|face|lip|jaw|arm|neck)",
    r"(?:trouble|hard|difficult\w*|problems?|struggl\w+) (?:to )?(?:breath|swallow|see|speak)\w*",
    r"(?:short(?:ness)?|out) of breath|chest|throat|palpitations?|heart rac\w+|dizz\w+|faint(?:ed|ing|s)?",
    r"pass(?:ed|ing)? out|nause\w*|vomit\w*|throw(?:ing)? up|threw up|allerg\w*|reaction|anaphyla\w*|side effects?",
    r"emergency|hospital|ambulance|urgent(?:ly)?|911|(?:the|to|in|at) er|suicid\w*|kill myself|want to die|end my life",
    r"(?:got|getting|feel\w*) (?:very |so |really )?sick|(?:got|gotten|getting|is) (?:much |even |a lot )?worse",
)
_SPANISH = (
    r"hinch\w+|inflam\w+|bult(?:o|os|ito|itos)|bolit\w+|nodulos?|(?:ojo|parpado)s? caidos?",
    r"dolor\w*|duel[ea]n?|dolio|doli(?:an?|endo)|adolorid\w+|lastim\w+|ard(?:e|en|or|ia|iendo)|quem\w+",
    r"ampollas?|sarpullid\w*|ronchas?|urticaria|comezon|picazon|picor|me pican?|enrojec\w+|rojez|irritad\w+",
    r"moreton(?:es)?|moretes?|sangr\w+|pus|supur\w+|cicatri\w*|infec\w+|absceso\w*|fiebre|calentura|escalofrios?",
    r"entumecid\w*|adormecid\w*|hormigueo\w*|palid\w+|morad\w+|necros\w+|borros\w+|no veo|ceg\w+|cieg\w+",
    r"no puedo (?:ver|respirar|tragar|dormir|mover|(?:abrir|cerrar) (?:el|los|la) (?:ojos?|boca))",
    r"(?:falta|me falta) (?:de |el )?aire|ahog\w+|respir\w*|pecho|garganta|palpitacion\w*|mare\w{1,5}|desmay\w*",
    r"vomit\w*|nauseas?|alergi\w*|alergic\w*|reaccion\w*|anafila\w*|efectos? secundarios?",
    r"emergencia\w*|urgen\w+|hospitaliz\w*|ambulancia|suicid\w*|matarme|quiero morir\w*",
    r"empeor\w+|(?:esta|va|estoy|sigue) (?:mucho )?peor",
)
SYMPTOM = re.compile(rf"\b(?:{'|'.join((*_ENGLISH, *_SPANISH))})\b")


def symptoms(words: str) -> list[str]:
    """The words of a reply, in plain words (no case, accents or punctuation), that speak of a symptom, each once."""
    return list(dict.fromkeys(SYMPTOM.findall(words)))
