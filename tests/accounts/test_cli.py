"""`ops user` as scripts use it."""

import json

import pytest
from click.testing import CliRunner

from ops.accounts import queries
from ops.accounts.cli import user
from ops.db import db
from tests.world import make_practice, make_user


@pytest.fixture
def ops(app):
    def run(*words, **more):
        db.session.rollback()
        return CliRunner().invoke(user, list(words), **more)

    return run


def test_an_account_is_added_with_a_password_and_can_sign_in(ops, client):
    done = ops(
        "add",
        "ada@example.com",
        "--role",
        "admin",
        "--name",
        "Ada",
        "--password-stdin",
        "--json",
        input="four unrelated words\n",
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {
        "id": queries.by_email("ada@example.com").id,
        "email": "ada@example.com",
        "role": "admin",
        "practices": [],
        "invite": None,
    }
    client.post("/sign-in", data={"email": "ada@example.com", "password": "four unrelated words"}, expect=303)


def test_without_a_password_an_invitation_is_printed(ops, client):
    make_practice("lake-street")
    make_practice("hill-road")
    done = ops(
        "add", "owner@example.com", "--role", "member", "--practice", "lake-street", "--practice", "hill-road", "--json"
    )
    answer = json.loads(done.output)
    assert answer["practices"] == ["hill-road", "lake-street"] and queries.by_email("owner@example.com").name == "owner"
    client.get("/" + answer["invite"].split("/", 3)[3], expect=200)


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (["taken@example.com", "--role", "agent"], None, "already has an account"),
        (["a@example.com", "--role", "king"], None, "no role 'king'"),
        (["a@example.com", "--role", "member", "--practice", "nowhere"], None, "no practice called 'nowhere'"),
        (["a@example.com", "--role", "agent", "--practice", "here"], None, "Only practice members"),
        (["a@example.com", "--role", "agent", "--password-stdin"], "short\n", "at least 12"),
        (["nonsense", "--role", "agent"], None, "not an email address"),
    ],
)
def test_bad_input_is_told_and_nothing_is_stored(ops, words, stdin, message):
    make_user("agent", email="taken@example.com")
    make_practice("here")
    done = ops("add", *words, input=stdin)
    assert done.exit_code == 1
    assert message in done.stderr and "Traceback" not in done.output
    assert len(queries.everyone()) == 1


def test_accounts_are_listed_and_links_made_again(ops, client):
    make_user("agent", email="a@example.com", password="four unrelated words")
    assert "a@example.com" in ops("list").output
    [listed] = json.loads(ops("list", "--json").output)
    assert listed["role"] == "agent" and listed["active"] is True
    link = json.loads(ops("link", "A@example.com", "--json").output)["link"]
    client.get("/" + link.split("/", 3)[3], expect=200)
    assert ops("link", "nobody@example.com").exit_code == 1
