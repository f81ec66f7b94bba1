"""How leads set the pause after a call, in words. Pure."""

from ops.rhythm.models import WrapUp

WRAP_UP_WORDS = {
    WrapUp.OPEN: "As long as it takes",
    WrapUp.TIMED: "A number of seconds, then the card says they are over",
    WrapUp.NEXT: "No pause: the outcome brings the next card",
    WrapUp.ASK: "The desk asks before the next card",
}
