"""One work, one content: whoever republishes it, however often it is fetched, and whatever its source makes of it."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from content_store import contents, schema
from content_store.db import Connection, Database
from content_store.errors import BadRecord
from content_store.ingest import originals, shelf, sources
from content_store.ingest.originals import Found, Verdict, find_or_add
from content_store.ingest.similarity import Relation
from content_store.ingest.sources import Source
from content_store.review_words import ContentOrigin
from content_store.vocabulary import ContentStatus, SourceKind, SourceRole
from tests.support import copies
from tests.support.works import take_in, take_in_elsewhere, work

WRITE = copies.Writer(random.Random(11))
ARTICLE, OTHER, THIRD = WRITE.text(900), WRITE.text(900), WRITE.text(900)
TITLE = "为什么天空是蓝色的"


def verdicts(found: list[Found]) -> list[str]:
    return [str(one.verdict) for one in found]


def counted(database: Database, table: sa.Table) -> int:
    with database.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def current(connection: Connection, content_id: str) -> list[tuple[str, SourceRole]]:
    found = sources.of(connection, [content_id])[content_id]
    return [(source.source_id, source.role) for source in found if source.ended_at is None]


def test_three_accounts_that_republish_an_article_are_one_content_with_three_sources(database: Database) -> None:
    drawn = random.Random(1)
    with database.begin() as connection:
        [first] = take_in(connection, work(TITLE, ARTICLE, "one", "1"))
    with database.begin() as connection:
        shortened = work("标题党：天空为何这样蓝？", copies.cut(ARTICLE, drawn), "two", "x")
        padded = work(
            TITLE, copies.add_boilerplate(copies.in_traditional(ARTICLE, drawn), drawn), "three", None, "http://c"
        )
        second, third = take_in(connection, shortened, padded)
        assert current(connection, first.content_id) == [
            ("one", SourceRole.ORIGINAL),
            ("two", SourceRole.COPY),
            ("three", SourceRole.COPY),
        ]
    assert verdicts([first, second, third]) == ["new", "copy", "copy"]
    assert {first.content_id, second.content_id, third.content_id} == {first.content_id}
    assert 0.5 < second.similarity < 1
    assert counted(database, schema.contents) == 1


def test_copies_in_one_call_are_one_content_and_the_first_is_the_original(database: Database) -> None:
    with database.begin() as connection:
        found = take_in(
            connection,
            work(TITLE, ARTICLE, "one", "1"),
            work("别的", OTHER, "one", "2"),
            work(TITLE, ARTICLE + "\n编辑：某某", "two", "1"),
            work(TITLE, ARTICLE, "three", "1"),
        )
    assert verdicts(found) == ["new", "new", "copy", "copy"]
    assert found[0].content_id == found[2].content_id == found[3].content_id != found[1].content_id


def test_what_is_fetched_again_is_unchanged_and_stores_nothing(database: Database) -> None:
    works = [work(TITLE, ARTICLE, guid="1"), work("别的", OTHER, url="http://a/2"), work("无名", THIRD)]
    with database.begin() as connection:
        first = take_in(connection, *works)
    tables = (schema.content_sources, schema.originals, schema.original_prints)
    before = [counted(database, table) for table in tables]
    with database.begin() as connection:
        again = take_in(connection, *works)
    assert verdicts(again) == ["unchanged"] * 3
    assert [one.content_id for one in again] == [one.content_id for one in first]
    assert [counted(database, table) for table in tables] == before


@pytest.mark.parametrize("name", [{"guid": "1"}, {"url": "http://a/1"}, {"guid": "1", "url": "http://a/1"}])
@pytest.mark.parametrize("text", [ARTICLE.replace("，", "。"), ARTICLE + "更正一处。", OTHER])
def test_a_changed_original_is_another_version_however_much_it_changed(
    database: Database, name: dict[str, str], text: str
) -> None:
    with database.begin() as connection:
        [first] = take_in(connection, work(TITLE, ARTICLE, **name))
        [second] = take_in(connection, work(TITLE, text, **name))
        [again] = take_in(connection, work(TITLE, text, **name))
        assert verdicts([second, again]) == ["changed", "unchanged"]
        assert second.content_id == again.content_id == first.content_id
        assert current(connection, first.content_id) == [("feed", SourceRole.ORIGINAL)]
    assert counted(database, schema.contents) == 1


def test_another_title_alone_is_a_change(database: Database) -> None:
    with database.begin() as connection:
        take_in(connection, work(TITLE, ARTICLE, guid="1"))
        assert verdicts(take_in(connection, work("新的标题", ARTICLE, guid="1"))) == ["changed"]


def test_copies_of_an_earlier_and_of_the_present_version_are_known(database: Database) -> None:
    with database.begin() as connection:
        [first] = take_in(connection, work(TITLE, ARTICLE, guid="1"))
        for text in (OTHER, THIRD, *(WRITE.text(300) for _ in range(4))):
            take_in(connection, work(TITLE, text, guid="1"))
        copied = [work("甲", ARTICLE, "two", "1"), work("乙", text, "two", "2"), work("丙", OTHER, "two", "3")]
        found = take_in(connection, *copied)
    assert verdicts(found) == ["copy", "copy", "new"], "the first and the newest are kept, not all"
    assert found[0].content_id == found[1].content_id == first.content_id
    assert counted(database, schema.originals) == shelf.TRACES_KEPT + 1


def test_an_entry_that_moved_to_another_guid_at_its_address_is_the_same(database: Database) -> None:
    with database.begin() as connection:
        [first] = take_in(connection, work(TITLE, ARTICLE, guid="old", url="http://a/1"))
        [moved] = take_in(connection, work(TITLE, ARTICLE, guid="new", url="http://a/1"))
        [edited] = take_in(connection, work(TITLE, ARTICLE + "又及。", guid="new", url="http://a/2"))
    assert verdicts([moved, edited]) == ["unchanged", "changed"]
    assert {first.content_id, moved.content_id, edited.content_id} == {first.content_id}


def test_entries_that_all_link_to_the_front_page_are_works_of_their_own(database: Database) -> None:
    page = "http://a/"
    with_guids = [work(f"第{at}篇", WRITE.text(300), "one", str(at), page) for at in range(5)]
    without = [work(f"第{at}篇", WRITE.text(300), "two", None, page) for at in range(5)]
    with database.begin() as connection:
        assert verdicts(take_in(connection, *with_guids[:4], *without[:4])) == ["new"] * 8
        again = take_in(connection, *with_guids, *without)
    assert Counter(verdicts(again)) == {"unchanged": 8, "new": 2}


def test_a_new_entry_at_the_only_known_address_leaves_the_one_that_was_there_alone(database: Database) -> None:
    page = "http://a/"
    with database.begin() as connection:
        [first] = take_in(connection, work(TITLE, ARTICLE, guid="1", url=page))
        [second] = take_in(connection, work("别的", OTHER, guid="2", url=page))
        again = take_in(connection, work(TITLE, ARTICLE, guid="1", url=page), work("别的", "", guid="2", url=page))
        emptied = take_in(connection, work(TITLE, "", guid="1", url=page), work(TITLE, ARTICLE, "two", "1"))
    assert verdicts([first, second, *again]) == ["new", "new", "unchanged", "changed"]
    assert verdicts(emptied) == ["changed", "copy"], "what it was before is still known"


def test_entries_of_one_title_without_a_name_are_told_by_their_text(database: Database) -> None:
    with database.begin() as connection:
        [first] = take_in(connection, work("今日科普", ARTICLE))
        [longer] = take_in(connection, work("今日科普", ARTICLE + "补充一句。"))
        [tomorrow] = take_in(connection, work("今日科普", OTHER))
        assert current(connection, tomorrow.content_id) == [("feed", SourceRole.ORIGINAL)]
    assert verdicts([first, longer, tomorrow]) == ["new", "changed", "new"]


def test_a_copy_that_changes_never_changes_the_content(database: Database) -> None:
    with database.begin() as connection:
        [first] = take_in(connection, work(TITLE, ARTICLE, "one", "1"))
        take_in(connection, work(TITLE, ARTICLE, "two", "1"))
        [edited] = take_in(connection, work(TITLE, ARTICLE[:600] + "。", "two", "1"))
        assert current(connection, first.content_id)[1] == ("two", SourceRole.COPY)
        [replaced] = take_in(connection, work("别的", OTHER, "two", "1"))
        assert current(connection, first.content_id) == [("one", SourceRole.ORIGINAL)]
        assert len(sources.of(connection, [first.content_id])[first.content_id]) == 2, "what ended is still told"
    assert verdicts([edited, replaced]) == ["copy", "new"]
    assert edited.content_id == first.content_id != replaced.content_id
    assert edited.similarity < 1


def test_one_guid_in_two_feeds_and_an_upload_are_three_sources(database: Database) -> None:
    upload = Source(kind=SourceKind.UPLOAD, id="one", guid="1")
    with database.begin() as connection:
        take_in(connection, work(TITLE, ARTICLE, "one", "1"), work("别的", OTHER, "two", "1"))
        found = take_in(connection, originals.Work("第三", THIRD, upload))
    assert verdicts(found) == ["new"]
    assert counted(database, schema.content_sources) == 3


def imported(connection: Connection, new: Mapping[int, str]) -> None:
    """Contents that are out, and go without a tombstone."""
    told: dict[str, Any] = {"status": ContentStatus.PUBLISHED, "published_at": 1, "origin": ContentOrigin.IMPORT}
    for id in new.values():
        contents.create(connection, id=id, title=TITLE, body=ARTICLE, **told)


def test_a_copy_of_a_withdrawn_work_is_told_and_makes_nothing(database: Database) -> None:
    with database.begin() as connection:
        [first] = find_or_add(connection, [work(TITLE, ARTICLE, "one", "1")], partial(imported, connection))
        contents.set_status(connection, first.content_id, ContentStatus.WITHDRAWN)
        found = take_in(
            connection,
            work(TITLE, ARTICLE, "two", "1"),
            work(TITLE, ARTICLE, "one", "1"),
            work(TITLE, ARTICLE + "改。", "one", "1"),
            work("别的", OTHER, "one", "2"),
        )
    assert [one.withdrawn for one in found] == [True, True, True, False]
    assert {one.content_id for one in found[:3]} == {first.content_id}
    assert counted(database, schema.contents) == 2


def test_parts_and_wholes_are_new_and_told(database: Database) -> None:
    whole = "\n".join(WRITE.text(800) for _ in range(4)) + ARTICLE
    with database.begin() as connection:
        [first, second] = take_in(connection, work("全集", whole, "one", "1"), work(TITLE, ARTICLE, "two", "1"))
    assert verdicts([first, second]) == ["new", "new"]
    assert [(match.content_id, match.relation) for match in second.near] == [(first.content_id, Relation.CONTAINED)]


def test_short_texts_must_be_equal_with_their_titles(database: Database) -> None:
    with database.begin() as connection:
        found = take_in(
            connection,
            work("地震来了怎么办", "先躲避，后撤离。", "one", "1"),
            work("地震来了怎么办？", "先躲避 后撤离", "two", "1"),
            work("火灾来了怎么办", "先躲避，后撤离。", "three", "1"),
            work("空的", "", "four", "1"),
            work("也是空的", "", "five", "1"),
            work("", "", "six", "1"),
        )
    assert verdicts(found) == ["new", "copy", "new", "new", "new", "new"]


def test_a_footer_that_an_author_puts_under_everything_joins_nothing(database: Database) -> None:
    footer = WRITE.text(2_000)
    bodies = [WRITE.text(length) for length in (300, 500, 800, 1_200, 400, 700)]
    made = [work(f"讲座之{at}", text, guid=str(at)) for at, text in enumerate(copies.footed(bodies, footer, 0.6))]
    with database.begin() as connection:
        assert verdicts(take_in(connection, *made)) == ["new"] * 6
        longer = bodies[1][:250] + "\n" + footer
        found = take_in(
            connection, work("讲座补遗", WRITE.text(150) + "\n" + footer, guid="7"), work("转", longer, "two", "1")
        )
    assert verdicts(found)[0] == "new", "though nearly all of it is the footer"


def test_passages_that_very_many_share_say_nothing_and_cost_nothing(database: Database) -> None:
    notice = WRITE.text(200)
    made = [work(f"通知{at}", notice + WRITE.text(400), guid=str(at)) for at in range(shelf.CROWD + 4)]
    with database.begin() as connection:
        assert set(verdicts(take_in(connection, *made[:20]))) == {"new"}
        assert set(verdicts(take_in(connection, *made[20:]))) == {"new"}
        per_print = (
            sa.select(sa.func.count()).select_from(schema.original_prints).group_by(schema.original_prints.c.print)
        )
        assert max(connection.execute(per_print).scalars()) <= shelf.CROWD
        copied = [work(each.title, each.text, "two", each.source.guid) for each in made]
        found = take_in(connection, *copied)
    assert set(verdicts(found)) == {"copy"}
    assert len({one.content_id for one in found}) == len(made)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_decisions_do_not_depend_on_how_works_are_handed_over(
    database: Database, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(originals, "CHUNK", 7)
    made = family(random.Random(5))
    with database.begin() as connection:
        found = [one for at in range(0, len(made), size) for one in take_in(connection, *made[at : at + size])]
    firsts = {id: at for at, id in reversed(list(enumerate(one.content_id for one in found)))}
    assert [firsts[one.content_id] for one in found] == [at // 3 * 3 for at in range(len(made))]
    assert Counter(verdicts(found)) == {"new": len(made) // 3, "copy": len(made) * 2 // 3}


def family(drawn: random.Random) -> list[originals.Work]:
    """Works in threes: an original and two copies of it."""
    made = []
    for at in range(10):
        text = WRITE.text(drawn.choice((200, 600, 1_500)))
        made.append(work(f"原作{at}", text, "one", str(at)))
        made.append(work(f"转载{at}", copies.cut(text, drawn), "two", str(at)))
        made.append(work(f"改写{at}", copies.reorder(copies.edit(text, drawn), drawn), "three", str(at)))
    return made


def test_two_threads_that_store_copies_at_once_make_one_original(database: Database) -> None:
    drawn = random.Random(6)
    texts = [WRITE.text(400) for _ in range(8)]
    ready = Barrier(4)

    def run(feed: str) -> list[Found]:
        found = []
        for at, text in enumerate(texts):
            ready.wait(30)
            with database.begin() as connection:
                found += take_in(connection, work(f"第{at}篇", copies.cut(text, drawn, 0.1), feed, str(at)))
        return found

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, "abcd"))
    assert counted(database, schema.contents) == len(texts)
    for found in zip(*results, strict=True):
        assert Counter(verdicts(list(found))) == {"new": 1, "copy": 3}
        assert len({one.content_id for one in found}) == 1


def test_two_processes_that_store_copies_at_once_make_one_original(database: Database, database_url: str) -> None:
    texts = [WRITE.text(300) for _ in range(15)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        results = pool.starmap(
            take_in_elsewhere, [(database_url, "one", texts), (database_url, "two", texts)], chunksize=1
        )
    assert counted(database, schema.contents) == len(texts)
    assert counted(database, schema.content_sources) == 2 * len(texts)
    for one, other in zip(*results, strict=True):
        assert {one[0], other[0]} == {Verdict.NEW, Verdict.COPY}
        assert one[1] == other[1]


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail(new: object) -> None:
        raise RuntimeError("the drafts cannot be made")

    with pytest.raises(RuntimeError), database.begin() as connection:
        find_or_add(connection, [work(TITLE, ARTICLE, guid="1")], fail)
    tables = (schema.contents, schema.originals, schema.original_prints, schema.content_sources)
    assert [counted(database, table) for table in tables] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "bad",
    [work("零\x00", "文"), work("题", "文", guid="\ud800"), work("题", "文", url="a\x00"), work("题", "文", feed="")],
)
def test_what_cannot_be_stored_is_refused_before_anything_is(database: Database, bad: originals.Work) -> None:
    with pytest.raises(BadRecord), database.begin() as connection:
        take_in(connection, work(TITLE, ARTICLE, guid="1"), bad)
    assert counted(database, schema.contents) == 0


def test_names_and_texts_of_any_length_and_kind_are_stored(database: Database) -> None:
    odd = [
        work("长" * 5_000, ARTICLE, guid="g" * 9_000, url="http://a/" + "u" * 9_000),
        work("半个", "\ud800" + OTHER, guid="2"),
        work("极长", "一" * 200_000, guid="3"),
    ]
    with database.begin() as connection:
        assert verdicts(take_in(connection, odd[0], odd[2])) == ["new", "new"]
        assert verdicts(take_in(connection, odd[0], odd[2])) == ["unchanged", "unchanged"]


def test_contents_that_were_there_before_are_kept_by_and_by(database: Database) -> None:
    texts = {f"c{at}": WRITE.text(300) for at in range(5)}
    with database.begin() as connection:
        for id, text in texts.items():
            contents.create(connection, id=id, title=f"旧文{id}", body=f"<p>{text}</p>", status=ContentStatus.PUBLISHED)
        after: str | None = ""
        while after is not None:
            after = originals.add_missing(connection, after=after, limit=2, plain=lambda body: body[3:-4])
        assert originals.add_missing(connection) is None
        [found] = take_in(connection, work("转载", copies.cut(texts["c3"], random.Random(1)), guid="1"))
        assert (found.verdict, found.content_id) == (Verdict.COPY, "c3")


def test_what_an_editor_made_of_a_content_is_kept_and_what_is_removed_is_not(database: Database) -> None:
    with database.begin() as connection:
        [first] = take_in(connection, work(TITLE, ARTICLE, guid="1"))
        originals.keep(connection, first.content_id, TITLE, OTHER)
        originals.keep(connection, first.content_id, TITLE, OTHER)
        [[match], [also]] = originals.find(connection, [("", OTHER), ("", ARTICLE)])
        assert match.content_id == also.content_id == first.content_id
        originals.remove(connection, first.content_id)
        assert originals.find(connection, [("", OTHER), ("", ARTICLE)]) == [[], []]
    assert counted(database, schema.original_prints) == 0


def test_a_guid_that_several_entries_share_is_the_name_of_none(database: Database) -> None:
    with database.begin() as connection:
        take_in(connection, work("一", ARTICLE, guid="own"))
        take_in(connection, work("二", OTHER, guid="shared"), work("三", THIRD, guid="shared"))
        take_in(connection, work("四", WRITE.text(900), feed="other", guid="theirs"))
        asked = ["own", "shared", "theirs", "never"]
        assert sources.known_names(connection, SourceKind.FEED, "feed", asked) == {"own"}
