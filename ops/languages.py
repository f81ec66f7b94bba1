"""Languages people speak, by code and by name. Pure."""

LANGUAGE_WORDS = {
    "am": "Amharic",
    "ar": "Arabic",
    "bn": "Bengali",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fr": "French",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hi": "Hindi",
    "ht": "Haitian Creole",
    "hy": "Armenian",
    "it": "Italian",
    "ja": "Japanese",
    "km": "Khmer",
    "ko": "Korean",
    "ne": "Nepali",
    "nl": "Dutch",
    "pa": "Punjabi",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "so": "Somali",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""The languages spoken most in the United States; others are shown by their code."""


def language_words(code: str) -> str:
    """ "Spanish" for es and es-MX; a code without a word as it is."""
    return LANGUAGE_WORDS.get(base_language(code), code)


def base_language(code: str | None) -> str:
    """ "pt" of pt-BR: whoever speaks a language speaks to all who do; English where nothing is said."""
    return (code or "").strip().lower().replace("_", "-").partition("-")[0] or "en"
