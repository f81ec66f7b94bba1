"""What the desk sends."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    RadioField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional, Regexp

from ops.desk.actions.saved import Saved
from ops.errors import Refused
from ops.practices import checks
from ops.referrals.actions import NOTHING, NewFriend, Told
from ops.referrals.actions.moving import LONGEST_WORDS
from ops.work.answers import OptIn
from ops.work.outcomes import TALKS, Outcome
from ops.work.skips import Skip

OPT_IN_WORDS = {
    OptIn.ON_THE_CALL.value: "They are with the patient and said yes to me",
    OptIn.WROTE_US.value: "They wrote to or called the practice themself",
    OptIn.FORM.value: "They filled in the practice's form",
}


class FenceForm(FlaskForm):
    """Any act on a task in progress carries the fencing number of its claim."""

    fence = IntegerField(validators=[InputRequired()])


class ReadForm(FenceForm):
    """What was shown of their unread replies ("7,9"), and what the agent says it means: the button that was pressed."""

    replies = HiddenField(validators=[Regexp(r"\d{1,18}(,\d{1,18})*\Z")])
    means = StringField(validators=[AnyOf(("stop", "no_stop"))])


class SkipForm(FenceForm):
    """`means` is chosen; what is only written is read."""

    means = StringField("Why not this one?", validators=[AnyOf(["", None, *list(Skip)], "Please choose a reason.")])
    reason = StringField("Anything to add", validators=[Length(max=500)])

    def chosen(self) -> Skip | None:
        return next((each for each in Skip if each.value == self.means.data), None)


class SnoozeForm(FenceForm):
    until = DateTimeLocalField("Until", validators=[InputRequired()])
    zone = HiddenField(validators=[InputRequired()])


class OutcomeForm(FenceForm):
    """The outcome is the button that was pressed. Times are wall-clock times in `zone`, the patient's."""

    outcome = StringField(validators=[InputRequired()])
    note = TextAreaField("Note", validators=[Length(max=20_000)])
    zone = HiddenField()
    callback_at = DateTimeLocalField("Callback at", validators=[Optional()])
    mine = BooleanField("Assign the callback to me")
    friend_name = StringField("Friend's first name", validators=[Length(max=200)])
    friend_phone = StringField("Friend's phone", validators=[Length(max=40)])
    friend_email = StringField("Friend's email", validators=[Length(max=254)])
    friend_opt_in = RadioField(
        "How did the friend agree?", choices=OPT_IN_WORDS, validators=[Optional()], validate_choice=False
    )
    visit_on = DateField("Day of the visit", validators=[Optional()])
    visit_time = TimeField("Hour", validators=[Optional()])
    visit_days = StringField("Days that suit them", validators=[Length(max=LONGEST_WORDS)])
    comes_for = StringField("What they come for, if they say it", validators=[Length(max=LONGEST_WORDS)])
    own_email = StringField("Their email, if they want it", validators=[Length(max=254)])
    may_email = BooleanField("They said that the practice may email them")
    and_next = BooleanField("and give me the next one")
    opening_said = BooleanField("I said who I am, for whom I call, why, and the number to call back")
    talk_seconds = HiddenField()
    wrap_seconds = HiddenField()
    away_seconds = HiddenField()

    def saved(self) -> Saved:
        """What was pressed and typed. Raises Refused for an unknown outcome or an unusable time, number or friend."""
        try:
            outcome = Outcome(self.outcome.data or "")
        except ValueError:
            raise Refused("Please choose one of the outcomes.") from None
        callback = self.callback_at.data if outcome is Outcome.CALLBACK else None
        return Saved(
            outcome=outcome,
            note=(self.note.data or "").replace("\x00", ""),
            callback_at=at_zone(callback, self.zone.data) if callback else None,
            mine=bool(self.mine.data),
            friend=self._friend(),
            visit=self._visit(outcome),
            own_email=self._own_email(),
            answers=_numbers(request.form.getlist("answers")),
            opening_said=bool(self.opening_said.data),
            talk_seconds=_seconds(self.talk_seconds.data),
            wrap_seconds=_seconds(self.wrap_seconds.data),
            away_seconds=_seconds(self.away_seconds.data) or 0,
        )

    def said_opening(self) -> None:
        """Raises Refused when they spoke and the opening was not ticked (docs/rules.md A6). Who wants to be left alone,
        or is not happy, is never kept waiting for a tick."""
        outcome = Outcome(self.outcome.data or "")
        spoke = outcome in TALKS and outcome not in (Outcome.DO_NOT_CONTACT, Outcome.NOT_HAPPY)
        if spoke and not self.opening_said.data:
            raise Refused("Please tick that you said who you are, for whom you call, why, and the number to call back.")

    def _friend(self) -> NewFriend | None:
        name, phone, email = (
            (field.data or "").strip() for field in (self.friend_name, self.friend_phone, self.friend_email)
        )
        if not (name or phone or email):
            return None
        if self.friend_opt_in.data not in OPT_IN_WORDS:
            raise Refused("Please say how the friend agreed, themself, to be contacted. Without that, send the note.")
        return NewFriend(
            name,
            checks.phone(phone, "The friend's number") or None,
            checks.email(email, "The friend's address") or None,
            OptIn(self.friend_opt_in.data),
        )

    def _visit(self, outcome: Outcome) -> Told:
        """Of a booking alone: with another outcome there is no visit to write down."""
        if outcome is not Outcome.FRIEND_BOOKED:
            return NOTHING
        return Told(
            visit_on=self.visit_on.data,
            visit_time=self.visit_time.data,
            visit_days=self.visit_days.data or "",
            comes_for=self.comes_for.data or "",
        )

    def _own_email(self) -> str | None:
        address = checks.email(self.own_email.data or "", "Their address") or None
        if address and not self.may_email.data:
            raise Refused("Please tick that they may be emailed, or leave their address out.")
        return address


def _seconds(text: str | None) -> int | None:
    """Measured by the page; what cannot be read was not measured."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None


def typed_again() -> dict[str, object]:
    """What this request carries, as the card's fields show it again."""
    return request.form.to_dict() | {"answers": list(_numbers(request.form.getlist("answers")))}


def _numbers(texts: list[str]) -> tuple[int, ...]:
    """The parts of the script that were opened, in the order of the page's list."""
    found = (part for text in texts for part in text.split(","))
    return tuple(int(part) for part in found if part.isascii() and part.isdigit() and len(part) < 4)[:50]


def at_zone(wall_clock: datetime, zone: str | None) -> datetime:
    """The moment it is `wall_clock` in `zone`, UTC; the earlier one when the hour happens twice. Raises Refused."""
    try:
        return wall_clock.replace(tzinfo=ZoneInfo(zone or "")).astimezone(UTC)
    except (KeyError, ValueError, OSError, OverflowError):
        raise Refused("This time cannot be read.") from None


class SendForm(FlaskForm):
    fence = IntegerField(validators=[InputRequired()])
    medium = HiddenField()
    version_id = IntegerField(validators=[Optional(), NumberRange(1, 2**63 - 1)])
