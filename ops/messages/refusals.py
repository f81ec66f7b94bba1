"""What says without a doubt "contact me no more", in English and Spanish, as a few patterns. Pure.

They read plain words (no case, accents or punctuation), one clause at a time; a bare "stop" with what is said around it
has to be the whole reply. What tempers it ("not before nine", "call me instead", "my appointment") makes it a matter
for a person. Nobody contacts them before it is read, so a refusal that is missed here is safe; a patient who is let go
because a pattern is too wide is not. So patterns are narrow: said to us, not about us ("you never call me").
"""

import re

_DO = r"(?:text|txt|call|contact|message|msg|e?mail|write|(?:reach|bother|harass|spam|send) (?:me|us|any))"
_DOING = (
    r"(?:(?:te?xt|call|contact|messag|e?mail|writ|reach|bother|harass|spamm?|send|communicat)(?:ing|ting)|"
    r"(?:all )?(?:contact|communications?|texts|messages|calls|emails))"
)
_DONE = r"(?:text|call|contact|messag|e?mail|bother)\w*ed"
_THINGS = r"(?:te?xts?|messages?|msgs?|calls?|e?mails?|contact(?! lens)|communications?|notifications?|subscription)"
_WHOSE = r"(?:(?:any|more|these|those|your|ur|further|such|the|this|my|all|of) )*"
_MY = r"(?:me|us|(?:my|this|our) (?:phone |cell )?(?:number|name|info\w*|data|details|contact(?: info\w*)?))"
_LIST = r"(?:off|from|out of) (?:of )?(?:your|ur|this|the|all|that) (?:\w+ )?(?:lists?|records|system|database)"
_STOP = r"(?:s ?t ?o ?p+|stpo|sotp|quit|end|cease|discontinue)"
_BEFORE = (
    r"(?:ok|okay|nope|nah|hi|hello|hey|yes|no|just|please|pls|plz|kindly|already|i said|i told you(?: to)?|"
    r"i(?: already)? asked you(?: to)?|i want you to|(?:can|could|will|would) you|spam|wrong (?:person|number)|"
    r"not interested|sorry)"
)
_AFTER = r"(?:it|this|these|now|immediately|please|pls|already|thanks|thank you|all|ok)"
_TOLD = (
    r"(?:.*\b(?:please|pls|plz|kindly|and|so|just|number|person|again|interested|said|asked|ok|no|hey|hi|list|to) )?"
)
"""Before what is said to us, and not of what they or others do: "my kids never call me"."""

_ENGLISH = (
    rf".*\b{_STOP} (?:(?:the|these|this|any|your|further|ever) )*{_DOING}\b",
    rf"{_TOLD}(?:do not|dont|never|not to) (?:ever |please |you |even )?{_DO}(?: or {_DO})?"
    r"(?: (?:me|us|to|any|more|anymore|again|anything|else|number|this (?:number|phone|cell)|ever|further|please|"
    r"for any reason|messages|texts|emails|no|or my \w+))*$",
    rf".*\bno (?:more|further) (?:of )?(?:this|{_THINGS})(?: (?:please|from you|ever|at all|to this number))*$",
    rf"no {_THINGS}(?: please| from you)?$",
    rf".*\b(?:remove|delete|erase|scrub|blacklist) {_MY}(?: (?:from|off|please|now|immediately|and|out)\b.*)?$",
    rf".*\b{_LIST}",
    r".*\b(?:wish|want|like|ask|asked|asking|need) to be (?:removed|unsubscribed|deleted|left alone)"
    r"(?: (?:from|please)\b.*)?$",
    r".*\btake (?:me|us|my (?:name|number)) off(?: (?:it|this|now|please))?$",
    r".*\bwant (?:out|off)$",
    r".*\bcount me out",
    r".*\bblock (?:me|my number)$",
    r".*\b(?:opt(?:ing|ed)? ?(?:me |us )?out|unsu[bs]\w{0,2}rib\w*)",
    r".*\b(?:lose|forget) (?:my|this) (?:phone )?number",
    r".*\bleave (?:me|us) (?:the \w+ )?(?:alone|be)$",
    r".*\bcease(?: and)? desist",
    rf".*\b(?:do not|dont|no longer|not) (?:wish|want|like|care) (?:to be {_DONE}|to (?:get|receive) {_WHOSE}{_THINGS}|"
    rf"to hear from|{_WHOSE}{_THINGS}|you (?:to )?{_DO}|you {_DOING})\b",
    rf".*\b(?:rather|prefer) (?:not|you (?:did ?nt|did not|dont|not)) (?:to )?"
    rf"(?:be {_DONE}|(?:get|receive) {_WHOSE}{_THINGS}|{_DO} me)\b",
    r".*\b(?:revok|withdraw|rescind|take back)\w* (?:my |all |the )?(?:consent|permission)",
    r".*\b(?:do not|dont|never) (?:have|gave|give|had) (?:you )?(?:my |any )?(?:permission|consent)",
    r".*\bdo not (?:call|contact|text) (?:list|registry)",
    r"dnc$",
    rf".*\b(?:cancel|end|kill) {_WHOSE}{_THINGS}$",
    r".*\b(?:(?:f|fuck|piss|screw|bug|buzz|back) off|(?:f|fuck|screw) you)\b",
    r"(?:please |just )?(?:get lost|go away)(?: and .*)?$",
    r".*\b(?:this|it) is (?:harassment|spam)",
    r".*\breport(?:ing)? (?:you (?:to the|for|if|as)|this as spam)\b",
    rf".*\b{_DO} me again (?:and|or) i ?(?:will|ll|am going to) (?:sue|report|block|file)",
    r".*\bany further contact\b",
    r"(?:unsub|rmv me|dnc list)$",
    r".*\b(?:add|put) (?:me|us|(?:my|this) number) (?:to|on|in) (?:the|your|ur) (?:dnc|do not (?:call|contact|text))\b",
    rf".*\b(?:can|could|will|would) (?:you|u|ya|yall)(?: guys| people| all)? not {_DO} (?:me|us)"
    r"(?: (?:any ?more|again|ever|please))*$",
    rf".*\b(?:discontinue|cease|end|stop) (?:all|any|further|every) (?:\w+ )?(?:correspondence|{_THINGS})",
    r".*\bi (?:do not|dont|never|no longer) consent to (?:be|being) (?:contact|call|text|messag|e?mail)",
    r".*\bconsent (?:is |has been |hereby )*(?:revoked|withdrawn)$",
    r".*\bnever (?:speak|talk|reach out) to me again\b",
    r".*\b(?:want|demand|expect) (?:zero|no) (?:further |more )?(?:communications?|contact) (?:from|with) your?\b",
    r".*\bdone hearing from (?:you|yall|this)\b",
)
_ES_DO = r"(?:llame[ns]?|escriba[ns]?|contacte[ns]?|moleste[ns]?|marque[ns]?|busque[ns]?|jodan?)"
_ES_SEND = r"(?:mande[ns]?|envie[ns]?)"
_ES_TO = r"(?:llamar|escribir|contactar|molestar|marcar|buscar|joder|fastidiar|acosar|mandar|enviar)"
_ES_THINGS = r"(?:mensajes?|msjs?|llamadas?|textos?|correos?|emails?|contacto|publicidad|suscripcion)"
_ES_WHOSE = r"(?:(?:mas|sus|tus|su|mi|mis|la|el|los|las|estos|estas|ningun\w*|de) )*"
_ES_REST = (
    r"(?: (?:mas|nunca|jamas|ya|otra vez|de nuevo|por favor|gracias|para nada|a|este|mi|numero|telefono|carajo))*$"
)
_ES_MY = r"(?:mi|mis|este|nuestro) (?:numero|nombre|datos|telefono|celular|info\w*|contacto)"
_ES_LIST = r"de (?:la|su|tu|esta|sus|las) (?:\w+ )?listas?"
_ES_STOP = r"(?:alto+|basta|paren|pare|cesen|cese|baja|stop|no mas)"
_ES_FILL = r"(?:ya|por|favor|no|si|hola|gracias|ahora|mismo|quiero que|les dije que|les pido que)"

_SPANISH = (
    rf".*\b(?:no|nunca(?: mas)?|jamas) (?:me |nos |le )?(?:{_ES_DO}|vuelva[ns]? a {_ES_TO}(?:me|nos)?){_ES_REST}",
    rf".*\b(?:no|nunca) (?:me |nos |le )?(?:vuelva[ns]? a )?(?:{_ES_SEND}|{_ES_TO}(?:me|nos)?) "
    rf"{_ES_WHOSE}(?:{_ES_THINGS}\b|nada\b)",
    rf".*(?<!por )(?<!para )\bno {_ES_TO}(?:me|nos)?{_ES_REST}",
    rf".*\b(?:no|nunca) (?:quiero|deseo|queremos|deseamos) (?:recibir )?{_ES_WHOSE}{_ES_THINGS}\b",
    r".*\b(?:no|nunca) (?:quiero|deseo) (?:ser contactad|saber de ustedes|que (?:me|nos) (?:vuelvan a )?"
    rf"(?:{_ES_DO}|{_ES_TO}|{_ES_SEND} {_ES_WHOSE}{_ES_THINGS}))",
    r".*\bno (?:quiero|deseo) (?:saber )?(?:mas )?nada de (?:ustedes|usted|ti|su parte)\b",
    r".*\b(?:que|si) me (?:borren?|eliminen?|desuscriban?)(?: de\b.*)?$",
    rf".*\bme (?:sac|saqu|quit|borr|elimin)[ae]n? {_ES_LIST}",
    r"ya (?:dejenme|dejeme|dejame)$",
    r".*\b(?:dejen|deje|deja|paren) (?:ya )?de estar (?:llamando|escribiendo|mandando|molestando)",
    rf".*\bno mas {_ES_THINGS}",
    rf".*\b(?:dejen|deja|paren?|para|cesen?|deje(?= de {_ES_TO}(?:me|nos)\b)) (?:ya )?de {_ES_TO}(?:me|nos)?\b",
    rf".*\bbasta de {_ES_THINGS}",
    rf".*\bquiero que (?:paren|pare|dejen de {_ES_TO}\w*)\b",
    rf".*\b(?:borr|elimin|quit|saqu|sac|remuev|remov|suprim|bloque)\w* {_ES_MY}",
    r".*\b(?:borr|elimin)(?:en?|a|ar)(?:me|nos)(?: (?:de|ya|por favor|todo)\b.*)?$",
    rf".*\b(?:quit|saqu|sac|remuev|remov)\w+(?:me|nos) (?:ya )?{_ES_LIST}",
    r".*\b(?:d[ae]n?me|darme|den|doy|(?:quiero|favor de|pueden?|podrian?) dar(?:me)?) de baja(?! (?:la|el|mi|una?) "
    r"(?:membresia|plan|cuenta|cita))",
    r".*\b(?:quiero|solicito|pido|exijo) (?:la|mi) baja",
    r".*\b(?:desuscri|dessuscri|desinscri)\w+",
    rf".*\b(?:cancel|anul)\w* {_ES_WHOSE}{_ES_THINGS}",
    r".*\bdej[ae]n?(?:me|nos) (?:en paz|tranquil)",
    r".*\b(?:olviden|olvida|pierdan?) (?:mi|este) numero",
    r".*\bolvid(?:ense|ate|ese) de mi\b",
    r".*\bcesen? (?:y desista|todo contacto)",
    r".*\b(?:retiro|revoco|quito|anulo) (?:mi|el|todo|mis) (?:consentimiento|permiso|autorizacion)",
    r".*\bno (?:les |le |te )?(?:autorizo|doy permiso|tienen? (?:mi )?permiso|di permiso|di mi permiso)",
    r".*\blista de no (?:llamar|contactar)",
    r".*\bvayan?se (?:al|a la)\b",
    r".*\besto es (?:acoso|spam)",
    r".*\b(?:los|las|le|les|lo) (?:demando|denuncio|voy a (?:reportar|demandar|denunciar))",
    r".*\bno (?:me |nos )?(?:sig|and|est)\w+ (?:llam|mand|marc|escrib|text|molest|fastidi)\w*ndo(?:me|nos|le|la)?\b",
    r".*\bno (?:me |nos )(?:text|abl|habl)\w+ (?:mas|nunca|jamas)\b",
    r"(?:que )?ya no (?:me |nos )(?:manden?|llamen?|h?ablen?|escriban?|contacten?|contactar\w+|marquen?|busquen?)\b",
    r".*\bya no quiero que me (?:manden?|llamen?|h?ablen?|escriban?|contacten?|marquen?|busquen?)\b",
    r".*\b(?:sac|saqu|quit|kit|remuev|elimin|borr)\w{1,4}(?:me|nos|la|lo) de (?:esta|esa|sus?|las?|los) "
    r"(?:lista|base|registro)",
    r".*\bme (?:qui[td]|kit|sac|saqu)\w+ de (?:la|su|esta|esa) lista\b",
    r"olviden(?:me|nos)$",
)
REFUSES = re.compile("|".join(f"(?:{each})" for each in (*_ENGLISH, *_SPANISH)))
ALL_OF_IT = re.compile(
    rf"(?:{_BEFORE} )*{_STOP}(?: (?:{_AFTER}|{_STOP}))*$|(?:{_ES_FILL} )*{_ES_STOP}(?: (?:{_ES_FILL}|{_ES_STOP}))*$"
)

_DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|lunes|martes|miercoles|jueves|viernes|sabado|domingo"
TEMPERED = re.compile(
    rf"\b(?:before|until|till|after|today|tonight|tomorrow|{_DAYS}|weekends?|so (?:early|late|much|often|many)|"
    r"too (?:much|often|many)|early|late|work|office|instead|only|except|during|while|when|appointments?|visits?|"
    r"new (?:one|number)|other number|old|keep (?!(?:text|call|messag|e?mail|contact|send|bother)ing)\w+|"
    r"wait(?:ing)? ?list|lista de espera|yet|unless|by mistake|(?:can|could|should|may|must) i|"
    r"(?:dont|do not|cant|can not|cannot|couldnt|wont|not|never) (?:ever )?"
    r"(?:forget|stop|lose|delete|remove|cancel|unsubscribe|quit|opt)|"
    r"antes|despues|hoy|manana|hasta|solo|mejor|citas?|trabajo|temprano|tarde|noche|cuando|nuevo|viej[oa]|otro numero|"
    r"perdon|todavia|aun|por error|sin querer|no (?:se |te )?(?:olvid|borr|elimin|quit|cancel|saqu|dej)\w*)\b"
)
WANTED = re.compile(
    r"(?:(?:please|just|but|so|you can|can you|pls) )*(?:call|text|e?mail|write)(?: to)? me\b(?! again)|"
    r"(?:(?:por favor|pero) )*(?:llam|escrib|mand|envi)[ae]n?me\b"
)
"""What asks for contact, beside whatever else is said."""
DID = re.compile(r"\b(?:llam|mand|envi|contact|molest|marqu|busqu|dej|borr|elimin|olvid|cancel|quit|saqu)é\b")
"""What they did, told by its accent alone: "no llamé" is no "no llame"."""


def is_refusal(clauses: list[str], written: str) -> bool:
    """Whether these clauses of a reply, in plain words, say without a doubt that they want no more contact. `written`
    is the reply in small letters, its accents kept."""
    whole = " ".join(clauses)
    if TEMPERED.search(whole) or DID.search(written) or any(WANTED.match(each) for each in clauses):
        return False
    return bool(ALL_OF_IT.match(whole)) or any(REFUSES.match(each) for each in clauses)
