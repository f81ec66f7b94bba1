"""Why an email did not leave, or may not have: a closed set with its words."""

from enum import StrEnum


class Problem(StrEnum):
    NO_ANSWER = "no_answer"
    NO_TLS = "no_tls"
    SIGN_IN = "sign_in"
    CUT_BEFORE = "cut_before"
    ADDRESS = "address"
    MAIL = "mail"
    CANNOT_CARRY = "cannot_carry"
    NOT_WRITTEN = "not_written"
    CUT_AFTER = "cut_after"
    """The connection was cut when the whole email had gone over and before the answer came: it may have arrived."""
    LOST = "lost"
    """The worker that sent it was never heard of again: it may have arrived."""
    CLOSED = "closed"


WORDS = {
    Problem.NO_ANSWER: "the email server did not answer",
    Problem.NO_TLS: "there is no encrypted connection to the email server that could be trusted",
    Problem.SIGN_IN: "the email server refused the user or password of SMTP_URL",
    Problem.CUT_BEFORE: "the connection broke before the email had gone over",
    Problem.ADDRESS: "the email server refused the address",
    Problem.MAIL: "the email server refused the email",
    Problem.CANNOT_CARRY: "the email server cannot carry this address",
    Problem.NOT_WRITTEN: "the email could not be written to this address",
    Problem.CUT_AFTER: "the connection broke while it was sent",
    Problem.LOST: "the worker died while it was sent",
    Problem.CLOSED: "the account is closed",
}


def in_words(problem: Problem, code: int | None = None) -> str:
    """ "the email server refused the address (550)"; `code` as the email server said it."""
    return f"{WORDS[problem]} ({code})" if code else WORDS[problem]
