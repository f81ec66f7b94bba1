"""Signing in and out, as a browser does it."""

from tests.world import make_user

PASSWORD = "four unrelated words"


def test_a_person_signs_in_with_the_right_password_and_out_again(client):
    make_user("admin", email="ada@example.com", password=PASSWORD)
    client.get("/sign-in", expect=200)
    client.post("/sign-in", data={"email": " Ada@Example.com ", "password": PASSWORD}, expect=303)
    client.get("/me/sign-ins", expect=200)
    client.post("/sign-out", expect=303)
    assert client.get("/me/sign-ins").location.startswith("/sign-in")


def test_a_wrong_password_does_not_sign_in(client):
    make_user("admin", email="ada@example.com", password=PASSWORD)
    page = client.post("/sign-in", data={"email": "ada@example.com", "password": "something else"}, expect=422)
    assert "do not belong together" in page.text
    assert client.get("/me/sign-ins").status_code == 303
