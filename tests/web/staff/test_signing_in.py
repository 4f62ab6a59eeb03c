"""Signing in and out, where one is signed in, and another password."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from content_store import accounts, audit, clock, passwords, sessions
from content_store.accounts import Account
from content_store.sessions import Limits
from content_store.signing_in import FREE
from tests.support.staff import HOUSE, PASSWORD, somebody
from tests.web.conftest import opened
from tests.web.staff.conftest import Desk
from web import signed
from web.staff import sign_in, sign_ins

NEW = "另一个-更长的-口令-42"


def lasting(app: Flask, account: Account) -> list[sessions.Session]:
    services = opened(app)
    with services.database.connect() as connection:
        return sessions.of_account(connection, account.id, Limits.of(services.settings))


def test_login_and_password_lead_to_the_desk_and_back_out(app: Flask, desk: Desk, wang: Account) -> None:
    answer = desk.sign_in("WANG")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff")
    page = desk.see("/staff")
    assert "wang先生，你好" in page
    assert "成都市：管理员" in page
    assert "管理账号和授权" in page
    out = desk.send("/staff/logout")
    assert (out.status_code, out.headers["Location"]) == (303, "/staff/login?notice=out")
    assert "已退出登录" in desk.see("/staff/login?notice=out")
    assert lasting(app, wang) == []
    assert desk.client.get("/staff").status_code == 303
    with opened(app).database.connect() as connection:
        told = [entry.action for entry in audit.entries(connection, limit=2)]
    assert told == ["session.end", "session.start"]


def test_a_page_that_needs_it_leads_to_the_sign_in_page_and_from_there_back(desk: Desk) -> None:
    answer = desk.client.get("/staff/organisations/510100?x=1")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/staff/login?back=/staff/organisations/510100?x%3D1"
    page = desk.see(answer.headers["Location"])
    assert 'name="back" value="/staff/organisations/510100?x=1"' in page
    assert desk.sign_in("wang", back="/staff/organisations/510100").headers["Location"] == "/staff/organisations/510100"


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_no_other_site_is_led_to(desk: Desk, back: str) -> None:
    assert desk.sign_in("wang", back=back).headers["Location"] == "/staff"


def test_whoever_is_signed_in_need_not_do_so_again(desk: Desk) -> None:
    desk.sign_in("wang")
    assert desk.client.get("/staff/login?back=/staff/me").headers["Location"] == "/staff/me"


def test_a_wrong_password_is_told_without_telling_what_is_wrong(desk: Desk) -> None:
    pages = []
    for login in ("wang", "nobody"):
        answer = desk.sign_in(login, "wrong-password")
        assert answer.status_code == 422
        assert "用户名或密码不对" in answer.text
        assert "wrong-password" not in answer.text
        assert "Set-Cookie" not in answer.headers
        pages.append(answer.text.replace(login, "X"))
    strip = [page.split('<h1 class="page">')[1].split('name="form_token"')[0] for page in pages]
    assert strip[0] == strip[1]


def test_who_guesses_is_told_to_wait_and_the_owner_at_a_known_browser_is_not(app: Flask, desk: Desk) -> None:
    desk.sign_in("wang")
    desk.send("/staff/logout")
    stranger = Desk(app.test_client())
    for _ in range(FREE):
        stranger.sign_in("wang", "wrong-password")
    answer = stranger.sign_in("wang")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 30
    assert "秒后再试" in answer.text
    assert desk.sign_in("wang").status_code == 303


def test_one_network_does_not_try_for_ever(app: Flask, desk: Desk, fixed_clock: int) -> None:
    statuses = [desk.sign_in(f"nobody{at}", "x").status_code for at in range(sign_in.PER_NETWORK.burst + 1)]
    assert statuses == [422] * sign_in.PER_NETWORK.burst + [429]


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_guarded_over_https(app: Flask, desk: Desk) -> None:
    desk.sign_in("wang")
    cookie = desk.client.get_cookie(signed.COOKIE)
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path, cookie.secure) == (True, "Lax", "/", False)
    assert cookie.max_age is None
    other = app.test_client()
    page = other.get("/staff/login", base_url="https://localhost").text
    token = page.split('name="form_token" value="')[1].split('"')[0]
    form = {"form_token": token, "login": "wang", "password": PASSWORD}
    answer = other.post(
        "/staff/login", data=form, base_url="https://localhost", headers={"Sec-Fetch-Site": "same-origin"}
    )
    given = [line for line in answer.headers.getlist("Set-Cookie") if "kepu_staff" in line]
    assert len(given) == 1
    assert given[0].startswith("__Host-kepu_staff=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(given[0].split("; "))
    assert "Domain" not in given[0]
    assert other.get("/staff", base_url="https://localhost").status_code == 200


def test_signing_in_gives_another_session_than_the_one_before(app: Flask, desk: Desk, wang: Account) -> None:
    desk.client.set_cookie(signed.COOKIE, "fixed-by-an-attacker")
    desk.sign_in("wang")
    cookie = desk.client.get_cookie(signed.COOKIE)
    assert cookie is not None
    assert cookie.value != "fixed-by-an-attacker"
    planted = Desk(app.test_client())
    planted.client.set_cookie(signed.COOKIE, "fixed-by-an-attacker")
    assert planted.client.get("/staff").status_code == 303
    assert len(lasting(app, wang)) == 1


@pytest.mark.parametrize("value", ["", "x", "é", "x" * 401])
def test_a_cookie_that_is_none_of_ours_is_nobodys(desk: Desk, value: str) -> None:
    desk.client.set_cookie(signed.COOKIE, value)
    assert desk.client.get("/staff").status_code == 303


def test_a_session_ends_when_it_is_not_used(make_app: Callable[..., Flask], desk: Desk, fixed_clock: int) -> None:
    desk.sign_in("wang")
    with clock.fixed(fixed_clock + 59 * 60_000):
        assert desk.client.get("/staff").status_code == 200
    with clock.fixed(fixed_clock + 118 * 60_000):
        assert desk.client.get("/staff").status_code == 200
    with clock.fixed(fixed_clock + 178 * 60_000):
        assert desk.client.get("/staff").status_code == 303


def test_pages_are_kept_by_no_browser(desk: Desk) -> None:
    assert desk.client.get("/staff/login").headers["Cache-Control"] == "no-store"
    desk.sign_in("wang")
    assert desk.client.get("/staff/me").headers["Cache-Control"] == "no-store"
    assert desk.client.get("/").headers["Cache-Control"] == "private, no-cache"


def test_no_other_site_signs_anybody_in_or_out(app: Flask, desk: Desk) -> None:
    form = {"login": "wang", "password": PASSWORD}
    assert desk.client.post("/staff/login", data=form).status_code == 403
    desk.sign_in("wang")
    assert desk.client.post("/staff/logout").status_code == 403
    stranger = Desk(app.test_client())
    token = stranger.see("/staff/login").split('name="form_token" value="')[1].split('"')[0]
    assert desk.client.post("/staff/logout", data={"form_token": token}).status_code == 403
    assert desk.client.get("/staff").status_code == 200


def test_a_form_of_before_signing_in_is_no_good_after_it(desk: Desk) -> None:
    token = desk.see("/staff/login").split('name="form_token" value="')[1].split('"')[0]
    desk.sign_in("wang")
    assert desk.client.post("/staff/logout", data={"form_token": token}).status_code == 403


def test_sessions_are_listed_and_ended_one_by_one_or_all_but_this(app: Flask, desk: Desk, wang: Account) -> None:
    others = [Desk(app.test_client()) for _ in range(3)]
    for at, other in enumerate(others):
        other.client.environ_base["HTTP_USER_AGENT"] = f"Browser {at} <b>"
        other.sign_in("wang")
    desk.sign_in("wang")
    page = desk.see("/staff/me")
    assert page.count('name="session"') == 4
    assert "Browser 2 &lt;b&gt;" in page
    first = next(found for found in lasting(app, wang) if found.agent == "Browser 0 <b>")
    assert desk.send("/staff/me/sessions", session=first.id).headers["Location"] == "/staff/me?notice=ended"
    assert [other.client.get("/staff").status_code for other in others] == [303, 200, 200]
    assert desk.send("/staff/me/sessions", session=first.id).status_code == 404
    assert desk.send("/staff/me/sessions", session="others").status_code == 303
    assert [other.client.get("/staff").status_code for other in others] == [303, 303, 303]
    assert "其他地方的登录都已退出" in desk.see("/staff/me?notice=others")


def test_nobody_ends_the_session_of_somebody_else(app: Flask, desk: Desk, wang: Account) -> None:
    with opened(app).database.begin() as connection:
        somebody(connection, "li")
    desk.sign_in("wang")
    [mine] = lasting(app, wang)
    other = Desk(app.test_client())
    other.sign_in("li")
    assert other.send("/staff/me/sessions", session=mine.id).status_code == 404
    assert desk.client.get("/staff").status_code == 200


def test_another_password_is_taken_and_ends_every_other_session(app: Flask, desk: Desk, wang: Account) -> None:
    other = Desk(app.test_client())
    other.sign_in("wang")
    desk.sign_in("wang")
    before = desk.client.get_cookie(signed.COOKIE)
    assert before is not None
    answer = desk.send("/staff/me/password", present=PASSWORD, new=NEW, again=NEW)
    assert answer.headers["Location"] == "/staff/me?notice=changed"
    after = desk.client.get_cookie(signed.COOKIE)
    assert after is not None
    assert after.value != before.value
    assert "密码已修改" in desk.see("/staff/me?notice=changed")
    assert other.client.get("/staff").status_code == 303
    assert len(lasting(app, wang)) == 1
    assert other.sign_in("wang").status_code == 422
    assert other.sign_in("wang", NEW).status_code == 303


@pytest.mark.parametrize(
    ("present", "new", "again", "told"),
    [
        ("wrong-password", NEW, NEW, "现在的密码不对"),
        (PASSWORD, NEW, NEW + "x", "两次填写的新密码不一样"),
        (PASSWORD, "password2024", "password2024", "新密码不能用"),
        (PASSWORD, "short", "short", "新密码不能用"),
        (PASSWORD, PASSWORD, PASSWORD, "和现在的密码一样"),
        ("", NEW, NEW, "请填写"),
    ],
)
def test_what_is_wrong_with_another_password_is_told(desk: Desk, present: str, new: str, again: str, told: str) -> None:
    desk.sign_in("wang")
    answer = desk.send("/staff/me/password", present=present, new=new, again=again)
    assert answer.status_code == 422
    assert told in answer.text
    assert new not in answer.text
    assert desk.client.get("/staff").status_code == 200


def test_a_password_is_not_guessed_from_a_session_that_was_left_open(desk: Desk) -> None:
    desk.sign_in("wang")
    for _ in range(FREE):
        desk.send("/staff/me/password", present="wrong-password", new=NEW, again=NEW)
    assert desk.send("/staff/me/password", present=PASSWORD, new=NEW, again=NEW).status_code == 429


def test_a_given_password_must_be_changed_before_anything_else(app: Flask, desk: Desk, wang: Account) -> None:
    hashed, text = passwords.temporary()
    with opened(app).database.begin() as connection:
        accounts.reset_password(connection, wang.id, hashed, actor=HOUSE)
    desk.sign_in("wang", text)
    for path in ("/staff", "/staff/organisations/510100"):
        assert desk.client.get(path).headers["Location"] == "/staff/me?notice=must_change"
    assert "临时密码" in desk.see("/staff/me?notice=must_change")
    assert desk.send("/staff/me/sessions", session="others").status_code == 403
    assert desk.send("/staff/me/password", present=text, new=NEW, again=NEW).status_code == 303
    assert "wang先生，你好" in desk.see("/staff")


def test_a_session_that_is_ended_elsewhere_is_gone_at_once_in_every_process(
    app: Flask, make_app: Callable[..., Flask], desk: Desk, wang: Account
) -> None:
    other = make_app()
    desk.sign_in("wang")
    cookie = desk.client.get_cookie(signed.COOKIE)
    assert cookie is not None
    with opened(other).database.begin() as connection:
        sessions.kill_all(connection, wang.id, actor=HOUSE)
    assert desk.client.get("/staff").status_code == 303


def test_citizens_pages_work_as_always_for_who_is_signed_in(desk: Desk) -> None:
    desk.sign_in("wang")
    assert desk.client.get("/").status_code == 200
    assert desk.send("/me/personalised", on="/me", personalised="off").status_code == 303
    assert desk.send("/view", on="/staff/me", view="elder", back="/staff/me").headers["Location"] == "/staff/me"
    assert 'class="elder"' in desk.see("/staff/me")


def test_every_field_has_a_label_and_nothing_needs_a_script(desk: Desk) -> None:
    desk.sign_in("wang")
    for path in ("/staff", "/staff/me", "/staff/organisations/510100"):
        page = desk.see(path)
        assert "<script" not in page
        assert "style=" not in page
        assert page.count('type="password"') == page.count("<label")


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131 Safari/537.36 Edg/131",
            "Windows 电脑上的Edge 浏览器",
        ),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/116 Safari/537.36 MicroMessenger/8.0", "安卓手机上的微信"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Linux 电脑上的火狐浏览器"),
        ("curl/8.1", "curl/8.1"),
        (None, "未知的浏览器"),
    ],
)
def test_a_browser_is_told_in_words_that_its_owner_knows(agent: str | None, shown: str) -> None:
    assert sign_ins.browser(agent) == shown
