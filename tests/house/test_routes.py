"""Every route: who may, and that practice-owned ones do not exist for anybody else. New routes are found here."""

import uuid
from collections.abc import Iterator

import sqlalchemy as sa
from werkzeug.routing import Rule

from ops.accounts.models import Role
from ops.db import db
from tests.world import make_milestone, make_patient, make_practice, make_user

PUBLIC = {
    # endpoint: why it is open
    "static": "style and script",
    "bootstrap.static": "style",
    "runtime.alive": "asked by whoever watches the machine",
    "runtime.ready": "asked by whoever watches the machine",
    "accounts.sign_in": "the door",
    "accounts.forgot": "the door",
    "accounts.link": "the link is the key",
    "messages.leave": "who gets our email may leave without an account",
    "messages.left": "who gets our email may leave without an account",
    "scripts.approval": "the signed link is the key",
    "scripts.approve": "the signed link is the key",
    "scripts.ask_for_change": "the signed link is the key",
}


def rules(app) -> list[Rule]:
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def fill(rule: Rule, **known: object) -> str:
    """An address for the rule, with made-up values for what is not `known`."""
    values = {}
    for argument in rule.arguments:
        converter = rule._converters[argument]
        made_up: object = {
            "IdConverter": 1,
            "UUIDConverter": uuid.UUID(int=1),
            "AnyConverter": sorted(getattr(converter, "items", {"x"}))[0],
        }.get(type(converter).__name__, "x")
        values[argument] = known.get(argument, made_up)
    built = rule.build(values)
    assert built is not None, rule
    return built[1]


def test_every_route_is_on_the_public_list_or_names_its_roles(app):
    open_ = set()
    for rule in rules(app):
        view = app.view_functions[rule.endpoint]
        if getattr(view, "public", False) or rule.endpoint in ("static", "bootstrap.static"):
            open_.add(rule.endpoint)
            assert not hasattr(view, "roles"), f"{rule.endpoint} is public and has roles"
        else:
            roles = getattr(view, "roles", None)
            assert roles, f"{rule.endpoint} says neither @public nor @allow(...)"
            assert set(roles) <= set(Role), f"{rule.endpoint}: {roles}"
    unexplained = open_ - set(PUBLIC)
    assert not unexplained, f"open to everybody without a reason in PUBLIC: {unexplained}"
    assert set(PUBLIC) <= open_, f"on the list but not open: {set(PUBLIC) - open_}"


def test_a_stranger_is_sent_to_the_sign_in_page_from_everything_else(app, client):
    for rule in rules(app):
        if rule.endpoint in PUBLIC:
            continue
        for method in methods(rule):
            for csrf in (True, False):
                answer = client.open(fill(rule), method=method, csrf=csrf)
                assert answer.status_code == 303, f"{method} {rule}: {answer.status_code}"
                assert answer.location.startswith("/sign-in"), f"{method} {rule}"


def test_roles_that_are_not_named_are_refused_everywhere(app, sign_in):
    make_practice("theirs")
    browsers = {role: sign_in(make_user(role)) for role in Role}
    for rule in rules(app):
        roles = getattr(app.view_functions[rule.endpoint], "roles", None)
        for role in set(Role) - set(roles or Role):
            for method in methods(rule):
                answer = browsers[role].open(fill(rule, slug="theirs"), method=method)
                expected = 404 if rule.arguments else 403
                assert answer.status_code == expected, f"{role} {method} {rule}: {answer.status_code}"


def owned(app) -> Iterator[Rule]:
    """The routes that belong to one practice."""
    found = [rule for rule in rules(app) if "slug" in rule.arguments]
    assert len(found) > 20
    yield from found


def test_every_practice_owned_page_refuses_the_outsider(app, sign_in):
    theirs, own = make_practice("theirs"), make_practice("own")
    make_patient(theirs)
    outsiders = [sign_in(make_user("member", own)), sign_in(make_user("member")), sign_in(make_user("agent"))]
    for rule in owned(app):
        for method in methods(rule):
            for outsider in outsiders:
                answer = outsider.open(fill(rule, slug="theirs"), method=method)
                assert answer.status_code == 404, f"{method} {rule}: {answer.status_code}"
    assert own.name not in answer.text and theirs.name not in answer.text


def test_a_practice_that_is_not_there_looks_like_one_that_is_not_yours(app, sign_in):
    make_practice("theirs")
    outsider = sign_in(make_user("member", make_practice("own")))
    for rule in owned(app):
        there, nowhere = (
            outsider.open(fill(rule, slug=slug), method=methods(rule)[0]) for slug in ("theirs", "nowhere")
        )
        assert (there.status_code, len(there.data)) == (nowhere.status_code, len(nowhere.data)), rule


def test_colleagues_and_insiders_get_the_pages_of_their_role(app, sign_in):
    practice = make_practice("theirs")
    browsers = {
        Role.ADMIN: sign_in(make_user("admin")),
        Role.LEAD: sign_in(make_user("lead")),
        Role.MEMBER: sign_in(make_user("member", practice)),
    }
    seen = 0
    for rule in owned(app):
        if rule.arguments != {"slug"} or "GET" not in methods(rule):
            continue
        for role in app.view_functions[rule.endpoint].roles & set(browsers):
            answer = browsers[role].get(fill(rule, slug="theirs"))
            assert answer.status_code < 400, f"{role} {rule}: {answer.status_code}"
            seen += 1
    assert seen >= 10


FOREIGN_TABLES = {
    # argument of a route: the table whose ids it takes
    "patient_id": "patients",
    "contract_id": "contracts",
    "treatment_id": "treatment_types",
    "link_id": "review_links",
    "import_id": "imports",
    "file_id": "import_files",
    "row_id": "import_rows",
    "cadence_id": "cadences",
    "step_id": "cadence_steps",
    "trigger_id": "triggers",
    "concern_id": "concerns",
    "merge_id": "record_merges",
}


def ids_of(practice) -> dict[str, object]:
    """Ids of rows of a practice, by the name a route gives them; made-up ones where it has none."""
    found: dict[str, object] = {}
    for argument, table in FOREIGN_TABLES.items():
        columns = sa.inspect(db.engine).get_columns(table) if sa.inspect(db.engine).has_table(table) else []
        if any(column["name"] == "practice_id" for column in columns):
            found[argument] = db.session.scalar(
                sa.text(f"SELECT min(id) FROM {table} WHERE practice_id = :practice"), {"practice": practice.id}
            )
    return {argument: value for argument, value in found.items() if value is not None}


def test_an_id_of_another_practice_does_not_exist_under_ones_own(app, sign_in):
    own, theirs = make_practice("own"), make_practice("theirs")
    patient = make_patient(theirs)
    make_milestone(patient)
    ids = ids_of(theirs)
    assert {"patient_id", "contract_id", "treatment_id"} <= set(ids)
    lead, member = sign_in(make_user("lead")), sign_in(make_user("member", own))
    for rule in owned(app):
        if not rule.arguments & set(ids):
            continue
        for method in methods(rule):
            for browser in (lead, member):
                answer = browser.open(fill(rule, slug="own", **ids), method=method, data={})
                assert answer.status_code == 404, f"{method} {rule}: {answer.status_code}"


ODD = ["0", "9223372036854775807", "9223372036854775808", "9" * 400, "-1", "%C2%B2", "%00"]


def test_odd_ids_are_not_found_and_never_break_a_page(app, sign_in):
    make_practice("own")
    browsers = {role: sign_in(make_user(role)) for role in (Role.ADMIN, Role.AGENT)}
    for rule in rules(app):
        numbers = [name for name in rule.arguments if type(rule._converters[name]).__name__ == "IdConverter"]
        roles = getattr(app.view_functions[rule.endpoint], "roles", set())
        browser = browsers[Role.ADMIN if Role.ADMIN in roles else Role.AGENT]
        for odd in ODD if numbers else ():
            address = fill(rule, slug="own", **dict.fromkeys(numbers, 987654321)).replace("987654321", odd)
            for method in methods(rule):
                answer = browser.open(address, method=method)
                assert answer.status_code in (303, 400, 404, 405, 409), f"{method} {address}: {answer.status_code}"
