"""The one SMTP client, against real servers: what it tells them, and what it says became of an email."""

import uuid
from email.message import EmailMessage

import pytest

from ops.config import settings
from ops.mail import client
from ops.mail.client import MaybeLeft, NotLeft
from ops.mail.problems import Problem
from ops.messages.channels import NotSent, Outgoing, smtp
from ops.messages.models import MessageChannel
from tests.letters import CERTIFICATE, free_port, mail_server

PASSWORD = "ops:right@"


def mail(to="ada@example.com", words="Good morning") -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "ops@example.com", to, "Hello"
    written["Message-ID"] = "<one@example.com>"
    written.set_content(words)
    return written


def deliver(*args, **kwargs):
    return client.deliver(settings().smtp_url, mail(*args, **kwargs))


def staff_road() -> None:
    deliver()


def patients_road() -> None:
    reference = str(uuid.UUID(int=1))
    outgoing = Outgoing(
        reference=reference,
        channel=MessageChannel.EMAIL,
        to_address="ada@example.com",
        subject="Thank you",
        body="For thinking of us.",
        sender_name="Glow",
        sender_email="hello@glow.example.com",
        unsubscribe_url="https://keeper.example.com/u/1",
        provider_id="<1@glow.example.com>",
    )
    smtp.Smtp(settings().smtp_url).send(outgoing)


ROADS = [staff_road, patients_road]


@pytest.mark.parametrize("road", ROADS)
def test_no_password_and_no_email_go_to_a_server_without_encryption(monkeypatch, road):
    with mail_server(monkeypatch, user=PASSWORD) as box:
        with pytest.raises((NotLeft, NotSent), match="encrypted"):
            road()
        assert box.passwords == [] and box.letters == []


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_a_password_goes_over_an_encrypted_connection_to_a_server_we_trust(monkeypatch, tls, road):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with mail_server(monkeypatch, tls=tls, user=PASSWORD) as box:
        road()
        assert box.passwords == ["right"]
        assert len(box.letters) == 1


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_nothing_goes_to_a_server_whose_certificate_nobody_signed(monkeypatch, tls, road):
    with mail_server(monkeypatch, tls=tls, user=PASSWORD) as box:
        with pytest.raises((NotLeft, NotSent), match="trusted"):
            road()
        assert box.passwords == [] and box.letters == []


def test_without_a_user_a_relay_gets_the_email_and_encryption_is_used_where_it_is_offered(monkeypatch):
    with mail_server(monkeypatch) as box:
        assert deliver() == {}
        assert len(box.letters) == 1
    with mail_server(monkeypatch, tls="starttls") as box:
        with pytest.raises(NotLeft, match="trusted"):
            deliver()
        assert box.letters == []


def test_a_wrong_password_is_told_as_such_and_may_be_put_right(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with mail_server(monkeypatch, tls="starttls", user="ops:wrong@"), pytest.raises(NotLeft) as said:
        deliver()
    assert (said.value.problem, said.value.again) == (Problem.SIGN_IN, True)


def test_a_server_that_is_away_certainly_has_nothing(monkeypatch):
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    settings.cache_clear()
    with pytest.raises(NotLeft) as said:
        deliver()
    assert (said.value.problem, said.value.again) == (Problem.NO_ANSWER, True)


@pytest.mark.parametrize(
    ("answer", "again"), [("550 no such person", False), ("451 try again later", True)], ids=["for good", "for now"]
)
@pytest.mark.parametrize(("what", "problem"), [("refuse", Problem.ADDRESS), ("refuse_mail", Problem.MAIL)])
def test_a_server_that_says_no_has_nothing(monkeypatch, what, problem, answer, again):
    with mail_server(monkeypatch) as box:
        setattr(box, what, answer)
        with pytest.raises(NotLeft, match=answer[:3]) as said:
            deliver()
    assert (said.value.problem, said.value.code, said.value.again) == (problem, int(answer[:3]), again)


def test_cut_before_the_email_went_over_it_certainly_did_not_leave(monkeypatch):
    with mail_server(monkeypatch) as box:
        box.hang_up = "before"
        with pytest.raises(NotLeft) as said:
            deliver()
    assert (said.value.problem, said.value.again, box.letters) == (Problem.CUT_BEFORE, True, [])


def test_cut_in_the_middle_of_a_long_email_it_certainly_did_not_leave(monkeypatch):
    with mail_server(monkeypatch) as box:
        box.hang_up = "in"
        with pytest.raises(NotLeft) as said:
            deliver(words="All of it. " * 2_000_000)
    assert (said.value.problem, said.value.again, box.letters) == (Problem.CUT_BEFORE, True, [])


def test_cut_after_all_of_it_went_over_nobody_can_tell(monkeypatch):
    with mail_server(monkeypatch) as box:
        box.hang_up = "after"
        with pytest.raises(MaybeLeft):
            deliver()
        assert len(box.letters) == 1


def test_a_server_that_is_silent_after_all_of_it_went_over_nobody_can_tell(monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_S", 0.3)
    with mail_server(monkeypatch) as box:
        box.hang_up = "silent"
        with pytest.raises(MaybeLeft):
            deliver()
        assert len(box.letters) == 1


@pytest.mark.parametrize("nonsense", ["what?", "777 maybe"])
def test_an_answer_that_makes_no_sense_after_all_of_it_went_over_nobody_can_tell(monkeypatch, nonsense):
    with mail_server(monkeypatch) as box:
        box.refuse_mail = nonsense
        with pytest.raises(MaybeLeft):
            deliver()


def test_what_goes_wrong_with_the_good_bye_changes_nothing(monkeypatch):
    with mail_server(monkeypatch) as box:
        box.hang_up = "good-bye"
        assert deliver() == {}
        assert len(box.letters) == 1


def test_one_address_of_two_that_is_refused_is_told(monkeypatch):
    with mail_server(monkeypatch) as box:
        box.refuse_one = "gone@example.com"
        assert deliver("ada@example.com, gone@example.com") == {"gone@example.com": 550}
        assert [to for to, _ in box.letters] == [["ada@example.com"]]


def test_an_address_that_only_some_servers_can_carry_is_not_tried_again(monkeypatch):
    with mail_server(monkeypatch, utf8=False), pytest.raises(NotLeft) as said:
        deliver("zoë@example.com")
    assert (said.value.problem, said.value.again) == (Problem.CANNOT_CARRY, False)
