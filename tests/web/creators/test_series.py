"""征集: announced and looked after by those who manage creators, entered by members, and their invitations."""

from __future__ import annotations

import re

from content_store import audit, clock
from content_store.alliance import series
from tests.support.staff import CHENGDU, MIANYANG
from tests.web.creators.conftest import Town
from tests.web.creators.test_works import make
from web.creators import forms

CALLS, SERIES = "/staff/creators/calls", "/staff/creators/series"
HOUR = 3_600_000


def announce(town: Town, **given: str) -> str:
    now = clock.now_ms()
    form = {"series": "open", "title": "九月的天空", "organisation": CHENGDU, "most_entries": "1"}
    form |= {"opens_at": forms.as_field(now), "deadline_at": forms.as_field(now + HOUR)}
    answer = town.operator.send(SERIES, on=SERIES, **form | given)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].removeprefix(f"{SERIES}/").partition("?")[0]


def enter(town: Town, call: str, **given: str) -> int:
    return town.writer.send(f"{CALLS}/{call}/entries", **given).status_code


def test_an_open_call_is_entered_and_the_work_taken_back(members: Town) -> None:
    call, work = announce(members, brief="写<星>空"), make(members.writer)
    theirs = make(members.other)
    page = members.writer.see(CALLS)
    for text in ("大家说", "九月的天空", "写&lt;星&gt;空", "截止"):
        assert text in page
    assert enter(members, call) == 422
    assert enter(members, call, work=theirs) == 422
    assert enter(members, call, work="nothing") == 422
    assert enter(members, call, work=work) == 303
    assert "已投的作品" in members.writer.see(CALLS)
    assert enter(members, call, work=make(members.writer)) == 422
    page = members.operator.see(f"{SERIES}/{call}")
    assert "大熊猫为什么吃竹子" in page
    assert "writer先生" in page
    assert members.other.send(f"{CALLS}/{call}/entries", back=work).status_code == 422
    assert enter(members, call, back=work) == 303
    assert "已投的作品" not in members.writer.see(CALLS)
    assert "已撤回" in members.operator.see(f"{SERIES}/{call}")
    assert enter(members, "nothing", work=work) == 404


def test_after_the_deadline_nothing_is_entered_or_taken_back(members: Town, fixed_clock: int) -> None:
    call, work = announce(members, deadline_at=forms.as_field(fixed_clock + HOUR // 2)), make(members.writer)
    enter(members, call, work=work)
    with clock.fixed(fixed_clock + HOUR // 2):
        for given in ({"work": work}, {"back": work}):
            answer = members.writer.send(f"{CALLS}/{call}/entries", **given)
            assert answer.status_code == 422
        assert "现在没有征集" in members.writer.see(CALLS)
        assert "已截止" in members.operator.see(f"{SERIES}/{call}")


def test_who_is_no_member_enters_nothing(town: Town) -> None:
    call = announce(town)
    assert "只有联盟成员可以投稿" in town.writer.see(CALLS)
    assert enter(town, call, work="x") == 422


def test_an_invited_series_is_shown_to_who_is_invited_and_entered_by_who_accepts(members: Town) -> None:
    call, work, at = announce(members, series="invited", title="院士来了"), make(members.writer), SERIES

    def change(act: str, **given: str) -> int:
        return members.operator.send(f"{at}/{call}", on=f"{at}/{call}", act=act, **given).status_code

    assert "院士来了" not in members.writer.see(CALLS)
    assert members.writer.send(f"{CALLS}/{call}/answer", answer="accept").status_code == 403
    assert change("invite") == 422
    assert change("invite", account=members.ids["operator"]) == 422
    assert change("invite", account=members.ids["writer"]) == 303
    assert "等待答复" in members.operator.see(f"{at}/{call}")
    assert "邀请你参加" in members.writer.see(CALLS)
    assert enter(members, call, work=work) == 422
    assert members.writer.send(f"{CALLS}/{call}/answer", answer="decline").status_code == 303
    assert "你已婉拒邀请" in members.writer.see(CALLS)
    assert enter(members, call, work=work) == 422
    assert members.writer.send(f"{CALLS}/{call}/answer", answer="accept").status_code == 303
    assert enter(members, call, work=work) == 303
    assert "已接受" in members.operator.see(f"{at}/{call}")
    assert members.other.client.get(CALLS).text.count("院士来了") == 0


def test_a_deadline_is_moved_and_a_call_taken_back(members: Town, fixed_clock: int) -> None:
    call = announce(members)
    at = f"{SERIES}/{call}"

    def change(act: str, **given: str) -> int:
        return members.operator.send(at, on=at, act=act, **given).status_code

    assert change("postpone", deadline_at="gestern") == 422
    assert change("postpone", deadline_at=forms.as_field(fixed_clock - HOUR)) == 422
    assert change("postpone", deadline_at=forms.as_field(fixed_clock + 2 * HOUR)) == 303
    assert change("nothing") == 422
    assert change("cancel") == 422
    assert change("cancel", sure="yes") == 303
    assert change("postpone", deadline_at=forms.as_field(fixed_clock + 3 * HOUR)) == 422
    assert "已取消" in members.operator.see(at)
    with members.begin() as connection:
        told = [entry.action for entry in audit.entries(connection, limit=9, object_kind="call", object_id=call)]
    assert told == ["call.cancel", "call.postpone", "call.announce"]
    assert members.writer.send(f"{CALLS}/{call}/answer", answer="accept").status_code == 409


def test_a_call_that_cannot_be_is_refused_beside_what_is_wrong(members: Town) -> None:
    now = clock.now_ms()
    form = {"series": "open", "title": "题目很好", "organisation": CHENGDU, "most_entries": "1"}
    form |= {"opens_at": forms.as_field(now), "deadline_at": forms.as_field(now + HOUR)}
    wrong = {"series": "x", "topic": "x", "organisation": MIANYANG, "opens_at": "x", "brief": "长" * 2_001}
    wrong |= {"deadline_at": "2020-01-01T00:00", "most_entries": "21"}
    for given in (*({name: value} for name, value in wrong.items()), wrong, {"title": ""}):
        answer = members.operator.send(SERIES, on=SERIES, **form | given)
        assert answer.status_code == 422
        assert set(re.findall(r'<p class="wrong" id="(\w+)-wrong"', answer.text)) == given.keys()
        assert ("题目很好" in answer.text) == ("title" not in given)
    with members.begin() as connection:
        assert series.current(connection) == []


def test_calls_of_others_are_not_looked_after(members: Town) -> None:
    call = announce(members)
    assert members.stranger.client.get(f"{SERIES}/{call}").status_code == 403
    assert members.stranger.send(f"{SERIES}/{call}", act="cancel", sure="yes").status_code == 403
    assert re.search("九月的天空", members.stranger.see(SERIES)) is None
    assert members.writer.client.get(SERIES).status_code == 403
    assert members.operator.client.get(f"{SERIES}/nothing").status_code == 404
