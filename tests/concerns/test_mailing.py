"""Whom an email about a concern still reaches when it leaves."""

import sqlalchemy as sa

from ops.accounts.models import Membership, Role
from ops.db import db, transaction
from tests.concerns.test_concerns import ann, at_noon, lake, mail_all, mailbox, mails, unhappy  # noqa: F401 (fixtures)
from tests.world import make_user


def test_who_left_the_practice_before_the_email_did_is_not_told(lake, ann, mailbox):  # noqa: F811
    make_user("lead", email="lea@example.com")
    owner = make_user("member", lake, email="owner@lake.example.com")
    unhappy(lake, ann)
    with transaction("test"):
        db.session.execute(sa.delete(Membership).where(Membership.user_id == owner.id))
    mail_all()
    assert [to for [to], _ in mailbox.letters] == ["lea@example.com"]
    assert [each for each in mails() if each.user_id == owner.id] == []


def test_who_is_no_lead_any_more_is_not_told_either(lake, ann, mailbox):  # noqa: F811
    lead = make_user("lead", email="lea@example.com")
    unhappy(lake, ann)
    with transaction("test"):
        db.session.merge(lead).role = Role.AGENT
    mail_all()
    assert mailbox.letters == []
