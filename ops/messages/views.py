"""The outbox, for leads and admins, and the public page by which a reader of our emails leaves."""

import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops import clock
from ops.accounts.access import me, public, staff
from ops.accounts.queries import names_of
from ops.accounts.reads import keep_read
from ops.contact import segments
from ops.contact.models import ConsentEvent
from ops.contact.said_yes import stood_at
from ops.contact.words import reasons_words
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages import actions, leaving, queries
from ops.messages.forms import AnswerForm
from ops.messages.models import InboundMessage, Message, MessageChannel
from ops.messages.queries import Search, Shelf
from ops.messages.replies import Meaning
from ops.messages.words import KIND_WORDS, MEANING_WORDS, SHELF_WORDS, STATE_TAGS, STATE_WORDS, why_written
from ops.practices.models import Patient, Practice
from ops.web import csrf
from ops.work.reads import ReadOf

bp = Blueprint("messages", __name__)
ASKED = ("q", "practice", "shelf", "channel", "before")
"""What a list can be narrowed by; kept in its links."""


@bp.get("/outbox")
@staff
def outbox() -> ResponseReturnValue:
    """Everything that left, waits or was stopped, newest first."""
    return _page(None, AnswerForm(formdata=None))


@bp.get("/outbox/<uuid:message_id>")
@staff
def message(message_id: uuid.UUID) -> ResponseReturnValue:
    """One message exactly as sent, the conversation around it, and what became of it."""
    return _page(_message_or_404(message_id), AnswerForm(formdata=None))


@bp.post("/outbox/<uuid:message_id>/answer")
@staff
def answer(message_id: uuid.UUID) -> ResponseReturnValue:
    """Write back as the patient would, to what the recorder delivered."""
    sent, form = _message_or_404(message_id), AnswerForm()
    if not queries.is_on_recorder(sent):
        abort(404)
    if not form.validate_on_submit():
        return _page(sent, form), 422
    practice = db.session.get_one(Practice, sent.practice_id)
    db.session.rollback()
    with transaction(me().actor):
        reply = actions.receive(
            practice,
            channel=sent.channel,
            from_address=sent.to_address,
            body=form.body.data or "",
            provider_id=f"recorder:{form.once.data}",
            in_reply_to=sent,
        )
    flash(MEANING_WORDS[Meaning(reply.meaning)], "success")
    return _back(sent.id)


@bp.post("/outbox/<uuid:message_id>/was-sent")
@staff
def was_sent(message_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody found out that a message nobody could tell about was sent."""
    return _resolve(message_id, was_sent=True)


@bp.post("/outbox/<uuid:message_id>/send-again")
@staff
def send_again(message_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody found out that it was not sent: it goes out again."""
    return _resolve(message_id, was_sent=False)


@bp.post("/replies/<int:reply_id>/stop")
@staff
def reply_is_stop(reply_id: int) -> ResponseReturnValue:
    """Somebody has read it: it means stop."""
    return _decide(reply_id, is_stop=True)


@bp.post("/replies/<int:reply_id>/no-stop")
@staff
def reply_is_no_stop(reply_id: int) -> ResponseReturnValue:
    """Somebody has read it: it does not mean stop."""
    return _decide(reply_id, is_stop=False)


@bp.get("/u/<token>")
@public
def leave(token: str) -> ResponseReturnValue:
    """Ask whether they want to leave. Email scanners open links: looking alone changes nothing (docs/rules.md A9)."""
    mail = _mail_of(token)
    practice = db.session.get_one(Practice, mail.practice_id)
    return render_template("messages/leave.html", practice=practice, address=_masked(mail.to_address), token=token)


@bp.post("/u/<token>")
@csrf.exempt
@public
def left(token: str) -> ResponseReturnValue:
    """Leave, by the button or by an email program in one click (RFC 8058): no cookie, no redirect, works twice. No
    limit per address either: an email provider leaves for all its people from a few."""
    mail = _mail_of(token)
    practice = db.session.get_one(Practice, mail.practice_id)
    db.session.rollback()
    with transaction("unsubscribe"):
        actions.receive(
            practice,
            channel=mail.channel,
            from_address=mail.to_address,
            body="Unsubscribe",
            provider_id=f"unsubscribe:{mail.id}",
            in_reply_to=mail,
        )
    return render_template("messages/left.html", practice=practice, address=_masked(mail.to_address))


def _mail_of(token: str) -> Message:
    return leaving.email_of(token) or abort(404)


def _masked(address: str) -> str:
    name, _, host = address.rpartition("@")
    return f"{name[:1]}…@{host}"


def _message_or_404(message_id: uuid.UUID) -> Message:
    return db.session.get(Message, message_id) or abort(404)


def _resolve(message_id: uuid.UUID, *, was_sent: bool) -> ResponseReturnValue:
    found = _message_or_404(message_id)
    db.session.rollback()
    try:
        with transaction(me().actor):
            actions.resolve_unknown(found, was_sent, actor=me().actor)
        flash("Noted: it was sent." if was_sent else "It goes out again as soon as it may.", "success")
    except Refused as refusal:
        flash(str(refusal), "warning")
    return _back(message_id)


def _decide(reply_id: int, *, is_stop: bool) -> ResponseReturnValue:
    reply = db.session.get(InboundMessage, reply_id) or abort(404)
    db.session.rollback()
    try:
        with transaction(me().actor):
            actions.decide_reply(reply, is_stop, actor=me().actor)
        flash("They will not be contacted again." if is_stop else "What was held back goes on.", "success")
    except Refused as refusal:
        flash(str(refusal), "warning")
    return _back(reply.in_reply_to)


def _back(message_id: uuid.UUID | None) -> ResponseReturnValue:
    where = url_for("messages.message", message_id=message_id) if message_id else url_for("messages.outbox")
    return redirect(where, 303)


def _page(selected: Message | None, form: AnswerForm) -> str:
    search = _search()
    rows, more = queries.outbox(search, _before())
    strays = _strays(selected, search)
    of_whom = {(row.message.practice_id, row.message.patient_id, row.message.contact_key) for row in rows}
    _note_looks(ReadOf.LISTED, of_whom)
    asked: dict[str, Any] = {name: request.args[name] for name in ASKED if request.args.get(name)}
    narrowed = asked | {"before": None}
    oldest = f"{rows[-1].message.created_at.isoformat()}~{rows[-1].message.id}" if more else None
    return render_template(
        "messages/outbox.html",
        rows=rows,
        older=url_for("messages.outbox", **narrowed | {"before": oldest}) if oldest else None,
        newest=url_for("messages.outbox", **narrowed) if "before" in asked else None,
        search=search,
        asked=asked,
        practices=queries.practices(),
        waiting=queries.waiting_for_a_person(),
        strays=strays,
        shelves=SHELF_WORDS,
        states=STATE_WORDS,
        tags=STATE_TAGS,
        kinds=KIND_WORDS,
        why_written=why_written,
        **(_details(selected, form) if selected else {"selected": None}),
    )


def _strays(selected: Message | None, search: Search) -> list[queries.Stray]:
    """Beside no conversation: on the first page of everything, and of what needs a person."""
    if selected or search not in (Search(), Search(shelf=Shelf.NEEDS)):
        return []
    found = queries.strays()
    _note_looks(ReadOf.MESSAGES, {(each.practice.id, each.reply.patient_id, each.reply.contact_key) for each in found})
    return found


def _note_looks(what: ReadOf, people: set[tuple[int, int | None, bytes]]) -> None:
    """Looking at anybody's messages is kept, in a list too: (practice, patient, contact key), of a friend the key."""
    looks = {(practice, patient, None if patient else key) for practice, patient, key in people}
    with transaction(me().actor):
        for practice_id, patient_id, key in sorted(looks, key=str):
            keep_read(me().id, practice_id, patient_id, what, shown_key=key)


def _details(selected: Message, form: AnswerForm) -> dict:
    """What the right side shows of one message. Looking at a patient's messages is kept."""
    practice = db.session.get_one(Practice, selected.practice_id)
    patient = db.session.get(Patient, selected.patient_id) if selected.patient_id else None
    turns, events = queries.thread(selected), queries.events(selected)
    decided = {turn.reply.decided_by for turn in turns if turn.reply and turn.reply.decided_by}
    details = {
        "selected": selected,
        "practice": practice,
        "patient": patient,
        "turns": turns,
        "events": events,
        "told": events[-1].note.removeprefix("not now: ").rstrip(".") if events else "",
        "decisions": queries.decisions(selected),
        "agreed": _agreed(selected),
        "reasons_words": reasons_words,
        "names": names_of({event.actor for event in events} | decided),
        "parts": segments.count(selected.body) if selected.channel is MessageChannel.SMS else None,
        "form": form if queries.is_on_recorder(selected) else None,
    }
    _note_looks(ReadOf.MESSAGES, {(selected.practice_id, selected.patient_id, selected.contact_key)})
    return details


def _agreed(message: Message) -> list[ConsentEvent]:
    """What the practice's file said when it left, or says while it waits."""
    at = message.attempted_at or clock.now()
    return stood_at(message.practice_id, message.patient_id, message.contact_key, message.channel, at)


def _search() -> Search:
    given = request.args
    practice = given.get("practice", "")
    return Search(
        practice_id=int(practice) if practice.isascii() and practice.isdigit() and len(practice) < 19 else None,
        shelf=next((shelf for shelf in Shelf if shelf == given.get("shelf")), None),
        channel=next((channel for channel in MessageChannel if channel == given.get("channel")), None),
        address=_as_address(given.get("q", "").strip()[:200]),
    )


def _as_address(text: str) -> str:
    """A number as people write it becomes E.164; everything else is taken as it is."""
    digits = "".join(each for each in text if each.isdigit() and each.isascii())
    if "@" in text or not digits:
        return text
    return f"+{digits}" if text.startswith("+") or len(digits) != 10 else f"+1{digits}"


def _before() -> tuple[datetime, uuid.UUID] | None:
    at, _, which = request.args.get("before", "").partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, uuid.UUID(which)) if moment.tzinfo else None
    except ValueError:
        return None
