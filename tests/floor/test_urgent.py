"""Who wrote of a symptom stands on the board until somebody has read it, whether an agent gets a card for it or not."""

from ops import clock
from ops.accounts.models import Role
from ops.db import transaction
from ops.messages import actions as messages
from ops.queue import jobs
from tests.floors import NOON, claim, make_floor
from tests.world import make_patient, make_user

HURTS = "My face is still swollen, it hurts"


def write(practice, channel: str, address: str, body: str) -> int:
    with transaction("inbound"):
        one = {"channel": channel, "from_address": address, "provider_id": address}
        reply = messages.receive(practice, body=body, **one)
    jobs.note_reply(reply.id)
    return reply.id


def test_a_symptom_stands_on_the_board_with_or_without_a_card_until_it_is_read(app, sign_in):
    with clock.movable(NOON):
        lake, ann = make_floor("lake", name="Lake Skin"), make_user(Role.AGENT, name="Ann Agent")
        called, mailed = make_patient(lake, "Maria"), make_patient(lake, "Bo", phone=None, email="bo@example.com")
        stopped = make_patient(lake, "Cy")
        write(lake, "sms", called.phone, HURTS)
        write(lake, "email", mailed.email, "Tengo fiebre")
        stop = write(lake, "sms", stopped.phone, "Stop texting me, I am bleeding")
        lead, agent = sign_in(make_user(Role.LEAD)), sign_in(ann)
        board = lead.get("/queue", expect=200).text
        assert board.count("Read it now") == 3
        assert [word in board for word in ("swollen", "fiebre", "bleeding")] == [False] * 3, "a click away, and logged"
        assert board.count("No agent gets a card for it.") == 2
        assert "The next free agent gets it" in board and "Maria" not in board
        claim(ann)
        assert "In progress with Ann Agent" in lead.get("/queue", expect=200).text
        card = agent.get("/desk", expect=200).text
        assert "Urgent: they wrote of a symptom (“swollen”, “hurts”)" in card and "before everything else" in card
        assert "Read, and the practice knows" in lead.get("/outbox?shelf=needs", expect=200).text
        lead.post(f"/replies/{stop}/stop", expect=303)
        assert lead.get("/queue", expect=200).text.count("Read it now") == 2
