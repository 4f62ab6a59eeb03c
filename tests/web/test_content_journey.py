"""An article's whole life, from the feed of a member of the alliance to its tombstone: one test, over each profile.

What happens is done as people do it: by forms, by commands, by the jobs of the clock. What came of it is judged from
outside, by what the browsers and programmes of two citizens were answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from content_store import clock, contents, notifications, sessions
from content_store.accounts import Account
from content_store.alliance import creators
from content_store.alliance.admission import Application, Criteria
from content_store.db import Database
from content_store.ingest import sources
from content_store.review import correcting, records
from content_store.review_words import NotificationState, ReviewStep, Route
from content_store.sessions import Limits
from content_store.staff_vocabulary import StaffRole
from content_store.vocabulary import SourceRole, Topic
from push.jobs import publish_when_due, tell_corrections
from tests.push.test_jobs import do
from tests.support import forms
from tests.support.hostile import Hostile, page
from tests.support.shelves import TOPICS, shelved
from tests.support.staff import CHENGDU, HOUSE, found_organisations, somebody
from tests.web.conftest import opened
from web import cli, signed
from web.services import Services

HOUR_MS = 3_600_000

ONION = (
    "切洋葱的时候，很多人会忍不住流泪。这并不是因为气味难闻，而是洋葱为了保护自己，在细胞里分开存放着两样东西：一种含硫的氨基酸，"
    "和一种叫蒜氨酸酶的蛋白质。",
    "刀切下去，细胞破了，两样东西碰到一起，几秒钟里就生成一种会挥发的气体。它飘到眼睛表面，溶在泪膜里，刺激角膜上的神经，"
    "大脑便命令泪腺多分泌一些眼泪，把它冲走。",
    "想少流泪，办法不难。先把洋葱放进冰箱冷藏半个小时，低温会让酶的作用变慢；刀要磨快，切口整齐，破掉的细胞就少；在抽油烟机下面切，"
    "气流会把刺激的气体带走。",
    "有人说嘴里含一口水、含一片面包也管用，目前没有可靠的实验支持。戴上游泳镜倒是真的有效，因为气体根本到不了眼睛。",
    "煮熟的洋葱不再催泪：加热让酶失去了活性，剩下的含硫物质变成了带甜味的香气，这也是红烧菜里常放洋葱的道理。",
)
FOREST = (
    "龙门山里的高山杜鹃，一片叶子能在枝头留上三四年。它的叶背长着一层细密的绒毛，冬天气温降到零下，叶子会垂下来，卷成一根细筒，"
    "像收起的雨伞。",
    "植物学家用温度计和延时相机守了一个冬天，发现叶子卷得多紧，几乎只看气温：越冷卷得越紧，太阳出来升到零度以上，又慢慢摊平。"
    "这样一来，清晨的阳光不会直射冻硬的叶片，叶绿体就少受损伤。",
    "卷起来的叶子还把气孔藏进了筒里，冬天土壤结冰，根吸不到水，少蒸腾一点就多一分活下来的机会。绒毛在筒里围出一小团不流动的空气，"
    "相当于给叶子盖了一床薄被。",
    "住在附近的大熊猫和金丝猴并不吃它，杜鹃的叶子含有木藜芦毒素，牛羊误食会中毒。蜜蜂采了它的花蜜，酿出的蜜人吃多了也会头晕，"
    "山里人管它叫醉蜜，从来不单独取用。",
    "气候变暖以后，高山杜鹃的分布线正在往上移。研究人员在海拔三千米以上设了固定样地，每年清点幼苗，想知道它们往上走得有多快，"
    "山顶又还留有多少地方给它们。",
)
OLD_TITLE, COPY_TITLE, TITLE = "切洋葱为什么会流泪", "【转载】洋葱催泪的秘密", "高山杜鹃的叶子为什么会卷起来"
WRONG, RIGHT, NOTE = "往上移", "向上推进", "原文对分布线移动的说法不准确，已改正。"
WHY = "配图授权有争议"

FULL = {
    ReviewStep.FIRST_REVIEW: "li",
    ReviewStep.SECOND_REVIEW: "chen",
    ReviewStep.FINAL_REVIEW: "zhao",
    ReviewStep.FIRST_PROOF: "sun",
    ReviewStep.SECOND_PROOF: "zhou",
    ReviewStep.THIRD_PROOF: "wu",
}
SHORT = {ReviewStep.FIRST_REVIEW: "li", ReviewStep.FINAL_REVIEW: "zhao", ReviewStep.FIRST_PROOF: "chen"}
STAFF = {
    "li": StaffRole.REVIEWER_1,
    "chen": StaffRole.REVIEWER_2,
    "zhao": StaffRole.REVIEWER_3,
    "sun": StaffRole.REVIEWER_1,
    "zhou": StaffRole.REVIEWER_2,
    "wu": StaffRole.REVIEWER_3,
    "chief": StaffRole.REVIEWER_3,
}
ABSENT = ("not in the feed", 404, 404)
SEEN = [
    ("fetched", *ABSENT),
    ("submitted", *ABSENT),
    ("reviewed", *ABSENT),
    ("scheduled", *ABSENT),
    ("published", "in the feed", 200, 200),
    ("being corrected", "in the feed", 200, 200),
    ("corrected", "in the feed", 200, 200),
    ("withdrawn", "not in the feed", 410, 410),
    ("offered again", "not in the feed", 410, 410),
]
"""What the citizen who never opens the article is answered: about the feed, and by the API and the page."""


def rss(*items: tuple[str, tuple[str, ...]]) -> bytes:
    """A feed of articles, by title and paragraphs, whole in their ``description``."""
    told = "".join(
        f"<item><guid isPermaLink='false'>{number}</guid><title>{title}</title>"
        f"<description>{escape(''.join(f'<p>{line}</p>' for line in lines))}</description></item>"
        for number, (title, lines) in enumerate(items)
    )
    return f'<rss version="2.0"><channel><title>山野笔记</title>{told}</channel></rss>'.encode()


@dataclass
class Site:
    """A web server of members of the alliance, that answers with what is in ``feeds``."""

    feeds: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, request: bytes) -> bytes:
        found = self.feeds.get(request.split(b" ")[1].decode())
        return page(b"", status="404 Not Found") if found is None else page(found, "Content-Type: application/rss+xml")


@dataclass
class House:
    """Two servers over one store, those who work here, and a command line."""

    app: Flask
    other_app: Flask
    people: dict[str, Account]
    command: Callable[..., tuple[int, str]]
    site: Site
    server: Hostile
    log: list[tuple[str, str, int]] = field(default_factory=list)
    seen: list[tuple[str, str, int, int]] = field(default_factory=list)
    due: int = 0

    @property
    def services(self) -> Services:
        return opened(self.app)

    @property
    def database(self) -> Database:
        return self.services.database

    def sit(self, login: str) -> FlaskClient:
        """The browser of somebody who is signed in."""
        with self.database.begin() as connection:
            _, token = sessions.start(connection, self.people[login].id, Limits.of(self.services.settings))
        client = self.app.test_client()
        client.set_cookie(signed.COOKIE, token)
        return client

    def does(self, login: str, on: str, action: str, *, button: tuple[str, str] | None = None, **typed: str) -> str:
        """Somebody sends a form of a page; where they are led to. It must be taken."""
        answer = forms.send(self.sit(login), on, action, button=button, **typed)
        self.log.append((login, action, answer.status_code))
        assert answer.status_code == 303, forms.text_of(answer.text)
        return answer.headers["Location"]

    def goes_through(self, content_id: str, people: dict[ReviewStep, str]) -> None:
        """Each of ``people`` claims their step in the queue and lets the words pass."""
        with self.database.connect() as connection:
            review = records.opened(connection, content_id)
        assert review is not None
        assert [step.step for step in review.steps] == list(people)
        for step, login in people.items():
            case = f"/staff/review/{review.id}"
            self.does(login, "/staff/review", f"{case}/claim")
            self.does(login, case, f"{case}/pass", note=f"{step.label}通过")

    def id_of(self, login: str, title: str) -> str:
        """The work that stands under a title in the list of its author."""
        answer = self.sit(login).get("/staff/works")
        found = re.search(rf'href="/staff/works/([^"?]+)"[^>]*>\s*{title}', answer.text)
        assert found, answer.text
        return found[1]

    def a_second_passes(self) -> None:
        """Every server has followed what is in the records."""
        for app in (self.app, self.other_app):
            opened(app).recommender.follower.catch_up()

    def job(self, module: Any) -> str:
        """What the clock does when a job is due."""
        self.due += 1
        return do(self.database, module.job(self.services.settings), clock.now_ms() - 1_000 + self.due)


@pytest.fixture
def house(
    make_app: Callable[..., Flask],
    cheap_passwords: None,
    fixed_clock: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[House]:
    """The house on its first day: two members of the alliance, seven editors, a shelf of imported articles."""
    given = {"short_route_topics": "daily", "rate_per_network": 0, "rate_per_citizen": 0}
    app, other_app = make_app(**given), make_app(**given)
    site = Site()

    def command(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out + printed.err

    database = opened(app).database
    shelved(database)
    with database.begin() as connection:
        found_organisations(connection)
        people = {
            login: somebody(connection, login, organisation_id=CHENGDU, role=STAFF.get(login))
            for login in (*STAFF, "member", "earlier")
        }
        for login in ("member", "earlier"):
            creators.apply(
                connection, people[login].id, Application(expertise=(Topic.ECOLOGY,), statement="在山里写了十年科普。")
            )
            creators.admit(connection, people[login].id, Criteria(0, 0, 0), actor=HOUSE)
    with Hostile(site) as server:
        settings = opened(app).settings
        monkeypatch.setenv("KEPU_DATABASE_URL", settings.database_url)
        monkeypatch.setenv("KEPU_DATA_DIR", str(settings.data_dir))
        monkeypatch.setenv("KEPU_FETCH_NAMED_HOSTS", f"localhost:{server.port}")
        yield House(app, other_app, people, command, site, server)
    clock.set_offset(0)


@dataclass
class Citizens:
    """One who opens the article, and one who only sees it in the feed, of another server."""

    reader: FlaskClient
    other: FlaskClient

    @classmethod
    def of(cls, house: House) -> Citizens:
        """Two guests who have read about ecology."""
        found = cls(house.app.test_client(), house.other_app.test_client())
        for client in (found.reader, found.other):
            assert client.get("/").status_code == 200
            for number in range(TOPICS.index(Topic.ECOLOGY), 12, len(TOPICS)):
                assert client.get(f"/contents/a{number:03d}").status_code == 200
        return found

    def look(self, house: House, when: str, id: str) -> None:
        """Write down what the one who does not open the article is answered."""
        feed = self.other.get("/api/v1/feed?limit=50").get_json()
        told = "in the feed" if id in [item["id"] for item in feed["items"]] else "not in the feed"
        # The page would count as opened, so a stranger asks for it.
        page_status = house.other_app.test_client(use_cookies=False).get(f"/contents/{id}").status_code
        house.seen.append((when, told, self.other.get(f"/api/v1/contents/{id}").status_code, page_status))


def test_an_article_from_a_feed_to_its_tombstone(house: House, fixed_clock: int) -> None:
    house.a_second_passes()
    citizens = Citizens.of(house)
    old = an_earlier_article_is_out(house)
    new = one_item_is_joined_and_one_is_new(house, old)
    citizens.look(house, "fetched", new)
    its_author_completes_it(house, new)
    citizens.look(house, "submitted", new)
    six_people_let_it_pass_and_nobody_twice(house, new)
    citizens.look(house, "reviewed", new)
    house.does(
        "chief",
        f"/staff/contents/{new}",
        f"/staff/contents/{new}/publish",
        when="later",
        at="2025-01-01T20:00",
    )
    citizens.look(house, "scheduled", new)
    with clock.fixed(fixed_clock + 8 * HOUR_MS):
        assert house.job(publish_when_due) == "done published 1"
        house.a_second_passes()
        it_is_in_the_next_feed_and_is_opened(citizens.reader, new)
        citizens.look(house, "published", new)
        it_counts_as_a_quality_item(house, items=1, no_quality={"not_reviewed": 46})
    with clock.fixed(fixed_clock + 10 * HOUR_MS):
        it_is_corrected(house, citizens, new)
    with clock.fixed(fixed_clock + 12 * HOUR_MS):
        it_is_withdrawn(house, citizens, new)
        it_is_offered_again_and_stays_away(house, new)
        citizens.look(house, "offered again", new)
        it_counts_as_a_quality_item(house, items=0, no_quality={"not_reviewed": 46, "withdrawn": 1})
        code, told = house.command("audit", "verify")
    assert (code, told.splitlines()[-1]) == (0, "the chain is whole; what is missing at its end takes --expect")
    assert house.seen == SEEN
    assert {status for _, _, status in house.log} == {303}


def subscribe(house: House, login: str, path: str) -> None:
    """A member has their feed fetched from now on."""
    feeds = "/staff/creators/feeds"
    url = house.server.url(path, host="localhost")
    house.does(login, feeds, feeds, url=url, licence="cc_by", sure="yes")


def an_earlier_article_is_out(house: House) -> str:
    """An article of another member, on the short route; its id."""
    house.site.feeds["/earlier"] = rss((OLD_TITLE, ONION))
    subscribe(house, "earlier", "/earlier")
    code, told = house.command("ingest")
    assert (code, told.splitlines()[-1]) == (0, "1 feeds: 1 new, 0 copy, 0 changed, 0 unchanged")
    id = house.id_of("earlier", OLD_TITLE)
    work = f"/staff/works/{id}"
    house.does("earlier", work, work, button=("then", "submit"), topic="daily", ai_use="none")
    house.goes_through(id, SHORT)
    house.does("chief", f"/staff/contents/{id}", f"/staff/contents/{id}/publish", when="now")
    return id


def one_item_is_joined_and_one_is_new(house: House, old: str) -> str:
    """The member's feed brings a copy whose tail is cut off, and an article; the id of that."""
    text = "".join(ONION)
    left, cut = len(text) * 4 // 5, list[str]()
    for line in ONION:
        cut, left = [*cut, line[:left]], max(0, left - len(line))
    house.site.feeds["/member"] = rss((COPY_TITLE, tuple(filter(None, cut))), (TITLE, FOREST))
    subscribe(house, "member", "/member")
    code, told = house.command("ingest")
    assert (code, told.splitlines()[-1]) == (0, "1 feeds: 1 new, 1 copy, 0 changed, 0 unchanged")
    id = house.id_of("member", TITLE)
    with house.database.connect() as connection:
        joined = sources.of(connection, [old])[old]
    members = [house.people[login].id for login in ("earlier", "member")]
    assert [(one.role, one.account_id) for one in joined] == list(
        zip((SourceRole.ORIGINAL, SourceRole.COPY), members, strict=True)
    )
    assert joined[1].title == COPY_TITLE
    assert COPY_TITLE not in house.sit("member").get("/staff/works").text
    return id


def its_author_completes_it(house: House, id: str) -> None:
    """What the feed cannot say is told by its author: the topic, and what part an artificial intelligence had."""
    work = f"/staff/works/{id}"
    refused = forms.send(house.sit("member"), work, work, button=("then", "submit"))
    assert refused.status_code == 422
    assert "送审前请选择主题" in refused.text
    assert "送审前请说明人工智能使用情况" in refused.text
    told = house.does("member", work, work, button=("then", "submit"), topic="ecology", ai_use="assisted")
    assert told.endswith("notice=submitted")


def six_people_let_it_pass_and_nobody_twice(house: House, id: str) -> None:
    """三审三校; who took a step takes no other, on the page or under the programme, and its author takes none."""
    with house.database.connect() as connection:
        review = records.opened(connection, id)
    assert review is not None
    assert (review.version, review.route) == (2, Route.FULL)
    case = f"/staff/review/{review.id}"
    house.does("li", "/staff/review", f"{case}/claim")
    house.does("li", case, f"{case}/pass")
    nobody_takes_a_second_step(house, review.id, "li", ReviewStep.SECOND_REVIEW)
    for step, login in list(FULL.items())[1:3]:
        house.does(login, "/staff/review", f"{case}/claim")
        house.does(login, case, f"{case}/pass", note=f"{step.label}通过")
    for login in ("li", "chen", "zhao", "member"):
        nobody_takes_a_second_step(house, review.id, login, ReviewStep.FIRST_PROOF)
    for login in list(FULL.values())[3:]:
        house.does(login, "/staff/review", f"{case}/claim")
        house.does(login, case, f"{case}/pass")
    with house.database.connect() as connection:
        done = records.get(connection, review.id)
    assert {step.step: step.decided_by for step in done.steps} == {
        step: house.people[login].id for step, login in FULL.items()
    }


def nobody_takes_a_second_step(house: House, review_id: str, login: str, step: ReviewStep) -> None:
    """Neither by a form nor by SQL of their own."""
    client, case = house.sit(login), f"/staff/review/{review_id}"
    if login in STAFF:
        shown = client.get(case).text
        assert "你已经做过这篇稿件的" in shown
        assert not {f"{case}/claim", f"{case}/pass"} & forms.actions_of(shown)
        token = forms.fields_of(shown, f"{case}/comments")["form_token"]
        for act in ("claim", "pass"):
            sent = {"form_token": token, "step": step.value, "version": "2"}
            assert client.post(f"{case}/{act}", data=sent).status_code in (403, 409)
    who = house.people[login].id
    told = {"claimed_by": who, "claimed_at": 1, "claimed_until": 2, "decided_by": who, "decided_at": 1}
    told |= {"verdict": "passed", "review": review_id, "step": step.value}
    update = ", ".join(f"{name} = :{name}" for name in told if name not in ("review", "step"))
    why = "nobody takes two steps of one review" if login in STAFF else "who wrote any of it"
    with pytest.raises(sa.exc.IntegrityError, match=why), house.database.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE review_steps SET {update} WHERE review_id = :review AND step = :step"), told
        )
    insert = "INSERT INTO review_steps (review_id, position, step, claimed_by, claimed_at, claimed_until, decided_by,"
    insert += " decided_at, verdict) VALUES (:review, 9, :step, :claimed_by, 1, 2, :decided_by, 1, 'passed')"
    with pytest.raises(sa.exc.IntegrityError), house.database.begin() as connection:
        connection.execute(sa.text(insert), told)
    with house.database.connect() as connection:
        current = records.get(connection, review_id).current
    assert current is not None
    assert (current.step, current.claimed_by) == (step, None)


def it_is_in_the_next_feed_and_is_opened(reader: FlaskClient, id: str) -> None:
    """On the first page of who reads about ecology; its page tells whose it is and what an AI did."""
    [item] = [item for item in reader.get("/api/v1/feed").get_json()["items"] if item["id"] == id]
    assert (item["topic"], item["source"], item["reason"]["code"]) == ("ecology", "山野笔记", "fresh")
    shown = reader.get(f"/contents/{id}")
    assert shown.status_code == 200
    text = forms.text_of(shown.text)
    for told in (
        TITLE,
        WRONG,
        "作者member先生",
        "来源山野笔记",
        "初审li先生",
        "三校wu先生",
        "创作中使用了人工智能辅助",
    ):
        assert told in text
    assert id not in [item["id"] for item in reader.get("/api/v1/feed?limit=50").get_json()["items"]]


def it_counts_as_a_quality_item(house: House, *, items: int, no_quality: dict[str, int]) -> None:
    """On the page of the target, in the API and at the terminal."""
    code, told = house.command("ledger", "progress", "--json")
    found = json.loads(told)
    assert (code, found["items_quality"], found["items_no_quality"]) == (0, items, no_quality)
    answer = house.app.test_client().get("/api/v1/progress").get_json()
    assert answer["items_quality"] == items
    assert {gap["reason"]: gap["number"] for gap in answer["items_no_quality"]} == no_quality
    assert f"{items}篇优质内容" in forms.text_of(house.app.test_client().get("/progress").text)


def it_is_corrected(house: House, citizens: Citizens, id: str) -> None:
    """The old words stay until the better ones have passed; who read them finds a message, and nobody else."""
    content = f"/staff/contents/{id}"
    words = f"{content}/words"
    body = forms.fields_of(house.sit("chief").get(words).text, words)["body"]
    assert body is not None
    house.does("chief", words, words, button=("then", "submit"), body=body.replace(WRONG, RIGHT, 1), note=NOTE)
    citizens.look(house, "being corrected", id)
    assert WRONG in citizens.reader.get(f"/contents/{id}").text
    house.goes_through(id, {ReviewStep.FINAL_REVIEW: "zhao", ReviewStep.FIRST_PROOF: "li"})
    house.does("zhao", content, f"{content}/publish")
    shown = citizens.reader.get(f"/contents/{id}").text
    assert WRONG not in shown
    assert RIGHT in shown
    assert NOTE in shown
    citizens.look(house, "corrected", id)
    assert house.job(tell_corrections) == "done told 1"
    assert house.job(tell_corrections) == "done"
    told = citizens.reader.get("/api/v1/me/inbox").get_json()
    assert (told["unread"], [message["content_id"] for message in told["items"]]) == (1, [id])
    assert NOTE in forms.text_of(citizens.reader.get("/inbox").text)
    assert citizens.other.get("/api/v1/me/inbox").get_json() == {"items": [], "unread": 0}
    assert "还没有消息" in forms.text_of(citizens.other.get("/inbox").text)


def it_is_withdrawn(house: House, citizens: Citizens, id: str) -> None:
    """It is gone with the answer of the form, from every server: nobody waits for a cache or a follower."""
    path = "/api/v1/feed?limit=5"
    pages = [citizens.other.get(path).get_json()]
    while pages[-1]["cursor"]:
        pages.append(citizens.other.get(f"{path}&cursor={pages[-1]['cursor']}").get_json())
    assert id in [item["id"] for told in pages for item in told["items"]]
    assert id in opened(house.other_app).cards.kept()
    with house.database.begin() as connection:
        everyone = connection.execute(sa.text("SELECT id FROM citizens")).scalars()
        assert notifications.queue(connection, "morning", "2025-01-02", list(everyone), content_id=id)
    content = f"/staff/contents/{id}"
    house.does("chief", content, f"{content}/withdraw", reason="licence", note=WHY)
    citizens.look(house, "withdrawn", id)
    for told in pages[:-1]:
        again = citizens.other.get(f"{path}&cursor={told['cursor']}").get_json()
        assert id not in [item["id"] for item in again["items"]]
    for client in (citizens.reader, citizens.other):
        assert TITLE not in client.get("/").text
        assert TITLE not in client.get("/api/v1/contents/a003/related?limit=20").text
        for gone in (f"/contents/{id}", f"/api/v1/contents/{id}"):
            answer = client.get(gone)
            assert (answer.status_code, WHY in answer.text, RIGHT in answer.text) == (410, True, False)
    with house.database.connect() as connection:
        [correction] = correcting.of(connection, id)
        waits = [
            *notifications.count(connection, "morning", "2025-01-02"),
            *notifications.count(connection, correcting.CAMPAIGN, correction.id),
        ]
    assert waits == [NotificationState.CANCELLED] * 2
    assert house.job(publish_when_due) == "done"


def it_is_offered_again_and_stays_away(house: House, id: str) -> None:
    """The feed still has it, with other words by now: it is known as what was withdrawn, and where it was found too."""
    house.site.feeds["/member"] = rss((COPY_TITLE, ONION), (TITLE, (*FOREST, "补记：二〇二五年的幼苗又多了几株。")))
    with clock.fixed(clock.now_ms() + 48 * HOUR_MS):
        code, told = house.command("ingest")
    assert code == 0
    assert "1 of them withdrawn here before" in told
    with house.database.connect() as connection:
        [found] = sources.of(connection, [id])[id]
        assert (found.role, found.account_id) == (SourceRole.ORIGINAL, house.people["member"].id)
        assert contents.count(connection) == 47
