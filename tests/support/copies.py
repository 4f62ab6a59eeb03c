"""Copies of texts as they are met with, and texts that look like copies and are none, by a seeded generator."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow.parquet as pq

from content_store.ingest.traditional import SIMPLIFIED

_TRADITIONAL = {ord(simplified): traditional for traditional, simplified in reversed(SIMPLIFIED.items())}
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_OTHER_MARKS = str.maketrans("，,。；：、", ",，.;:,") | {0x0A: " \n"}
_COMMON = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所"
    "民得经"
)

BOILERPLATE = (
    "本文经授权转载，版权归原作者所有，转载请注明来源和作者。如涉及作品内容、版权等问题，请在三十日内与本平台联系，"
    "我们将在第一时间处理。文中观点仅代表作者本人，不代表本平台立场。",
    "关注我们的公众号，每天学一点科学知识。长按识别二维码，点击右下角的“在看”，把这篇文章分享给更多的朋友。"
    "编辑、校对、审核均由值班人员完成，欢迎在评论区留言。",
    "责任编辑：值班编辑。声明：本栏目由科普传播工程支持，转载请联系授权，未经许可不得用于商业用途。"
    "图片来自版权图库，转载使用可能引发版权纠纷。投稿请发送至编辑部邮箱，稿件一经采用即付稿酬。",
    "推荐阅读：为什么夏天更容易犯困？这三类人不适合喝浓茶；雷雨天躲在树下有多危险；手机充电时到底能不能玩。"
    "点击阅读原文，了解更多防灾减灾知识，收藏起来慢慢看。",
    "主办单位和承办单位对本次活动拥有最终解释权。咨询电话在工作日的上午九点到下午五点有人接听，"
    "如遇节假日则顺延，请各参加单位相互转告，并做好安全防护工作。",
)
"""What many articles carry at their head or foot."""


@dataclass(frozen=True)
class Work:
    """A text with its title, and the group of texts that it is hardest to tell from."""

    title: str
    text: str
    group: str


def articles(datasets: Path) -> list[Work]:
    """Full articles on technology; issues of the weekly are a group."""
    rows = pq.read_table(datasets / "data" / "zh_tech_articles.parquet", columns=["source", "title", "markdown"])
    return [Work(row["title"], _plain(row["markdown"]), row["source"]) for row in rows.to_pylist()]


def abstracts(datasets: Path) -> list[Work]:
    """Abstracts of papers, each once; those of a discipline are a group."""
    rows = pq.read_table(datasets / "data" / "zh_science_abstracts.parquet", columns=["title", "text", "category"])
    found = {row["text"]: Work(row["title"], row["text"], row["category"]) for row in rows.to_pylist()}
    return [work for text, work in found.items() if len(text) >= 60]


def _plain(markdown: str) -> str:
    text = re.sub(r"^\[\S+?\]:.*$|!\[[^]]*\](\([^)]*\)|\[\d*\])|https?://\S+", "", markdown, flags=re.MULTILINE)
    return re.sub(r"\](\([^)]*\)|\[\d*\])|[\[#*`>=|]|-{3,}", "", text)


def cut(text: str, drawn: random.Random, share: float = 0.2) -> str:
    """Without its tail."""
    return text[: round(len(text) * (1 - share))]


def behead(text: str, drawn: random.Random, share: float = 0.2) -> str:
    """Without its head."""
    return text[round(len(text) * share) :]


def add_boilerplate(text: str, drawn: random.Random, share: float = 0.1) -> str:
    """With boilerplate before, after or on both sides, of this share of the text."""
    wanted = round(len(text) * share)
    notes = "".join(drawn.sample(BOILERPLATE, len(BOILERPLATE)))
    notes = (notes * (wanted // len(notes) + 1))[:wanted]
    at = drawn.choice((0, wanted // 2, wanted))
    return notes[:at] + "\n" + text + "\n" + notes[at:]


def reorder(text: str, drawn: random.Random) -> str:
    """Its paragraphs, or else its sentences, in another order."""
    parts = [part for part in text.split("\n") if part.strip()]
    if len(parts) < 4:
        parts = re.findall(r"[^。.！？；;]+[。.！？；;]?", text)
    drawn.shuffle(parts)
    return "\n".join(parts)


def edit(text: str, drawn: random.Random, share: float = 0.03) -> str:
    """With this share of its characters replaced, left out or followed by another."""
    made = []
    for character in text:
        if drawn.random() >= share:
            made.append(character)
            continue
        other = drawn.choice(_COMMON)
        made.append(drawn.choice((other, "", character + other)))
    return "".join(made)


def in_traditional(text: str, drawn: random.Random) -> str:
    """In traditional characters."""
    return text.translate(_TRADITIONAL)


def widen(text: str, drawn: random.Random) -> str:
    """In full-width letters and digits, with other punctuation and spacing."""
    return text.translate(_OTHER_MARKS).translate(_WIDE).upper()


Edit = Callable[[str, random.Random], str]


def chain(*edits: Edit) -> Edit:
    """One edit after the other."""

    def all_of_them(text: str, drawn: random.Random) -> str:
        for one in edits:
            text = one(text, drawn)
        return text

    return all_of_them


def _sharing(edit: Callable[[str, random.Random, float], str], share: float) -> Edit:
    return lambda text, drawn: edit(text, drawn, share)


EDITS: dict[str, Edit] = {
    "nothing": lambda text, drawn: text,
    "tail cut 20 %": cut,
    "boilerplate 10 %": add_boilerplate,
    "paragraphs reordered": reorder,
    "light edits 3 %": edit,
    "light edits 8 %": _sharing(edit, 0.08),
    "head cut 20 %": behead,
    "tail cut 40 %": _sharing(cut, 0.4),
    "boilerplate 30 %": _sharing(add_boilerplate, 0.3),
    "traditional": in_traditional,
    "width, punctuation": widen,
    "cut 20 %, boilerplate 10 %": chain(cut, add_boilerplate),
    "cut 20 %, boilerplate 20 %": chain(cut, _sharing(add_boilerplate, 0.25)),
    "boilerplate 10 %, edits 5 %": chain(add_boilerplate, _sharing(edit, 0.05)),
    "reordered, cut 20 %, edits 3 %": chain(reorder, cut, edit),
    "all of these": chain(reorder, cut, add_boilerplate, edit, in_traditional, widen),
}
"""What is done to a text that is still the same work afterwards; "nothing" and the next four are asked for."""


def excerpt(texts: Sequence[str], drawn: random.Random, words: int = 20_000) -> tuple[str, str]:
    """A long text made of articles, and the first of ``texts``, which stands in its middle."""
    inner, *rest = texts
    long = ""
    for text in rest:
        long += text + "\n"
        if len(long) > words:
            break
    at = drawn.randrange(len(long))
    return inner, long[:at] + "\n" + inner + "\n" + long[at:]


def series(bodies: Sequence[str], frame: str, share: float) -> list[str]:
    """An issue for each body, with the same words before and after it, of this share of the issue on average."""
    words = frame[: _length(bodies, share)]
    head = words[: len(words) // 3]
    return [f"{head}\n第 {100 + number} 期\n{body}\n{words[len(head) :]}" for number, body in enumerate(bodies)]


def carrying(bodies: Sequence[str], frame: str, share: float, drawn: random.Random) -> list[str]:
    """Texts that all carry the same passage somewhere, of this share of each on average."""
    passage = frame[: _length(bodies, share)]
    places = [(body, drawn.choice((0, len(body) // 2, len(body)))) for body in bodies]
    return [body[:at] + passage + body[at:] for body, at in places]


def footed(bodies: Sequence[str], frame: str, share: float) -> list[str]:
    """Texts that all end with the same footer, of this share of each on average."""
    return [body + "\n" + frame[: _length(bodies, share)] for body in bodies]


def _length(bodies: Sequence[str], share: float) -> int:
    return round(sum(map(len, bodies)) / len(bodies) * share / (1 - share))


def bulletins(count: int, drawn: random.Random) -> list[str]:
    """Daily bulletins that differ in nothing but their numbers."""
    number = drawn.randrange
    return [
        f"据省气象台消息，{number(1, 13)}月{number(1, 29)}日白天到夜间，盆地大部多云间阴，局部有小雨，"
        f"偏北风{number(1, 5)}级。"
        f"成都最高气温{number(5, 38)}摄氏度，最低气温{number(0, 25)}摄氏度，相对湿度百分之{number(40, 99)}，"
        f"空气质量指数为{number(20, 180)}，首要污染物浓度每立方米{number(10, 150)}微克，能见度{number(2, 30)}公里。"
        f"预计未来{number(24, 73)}小时降水量为{number(0, 60)}毫米，请市民注意增减衣物，外出带好雨具，防范道路湿滑。"
        f"森林火险等级为{number(1, 6)}级，日出时间{number(6, 8)}时{number(0, 60)}分，"
        f"日落时间{number(17, 20)}时{number(0, 60)}分。"
        for _ in range(count)
    ]


class Writer:
    """Texts of made-up words, some common and most rare, as a language has them; no two alike."""

    def __init__(self, drawn: random.Random, words: int = 8_000) -> None:
        self._drawn = drawn
        letters = [chr(code) for code in range(0x4E00, 0x4E00 + 2_500)]
        self._words = ["".join(drawn.choices(letters, k=drawn.choice((1, 2, 2, 2, 3)))) for _ in range(words)]
        self._often = list(accumulate(1 / (rank + 3) for rank in range(words)))

    def sentence(self) -> str:
        """One sentence, now and then with a number in it."""
        words = self._drawn.choices(self._words, cum_weights=self._often, k=self._drawn.randrange(6, 16))
        if self._drawn.random() < 0.2:
            words.insert(len(words) // 2, str(self._drawn.randrange(2_000)))
        words.insert(len(words) // 2, "，")
        return "".join(words) + "。"

    def text(self, length: int) -> str:
        """Paragraphs of at least ``length`` characters."""
        made = ""
        while len(made) < length:
            made += "".join(self.sentence() for _ in range(self._drawn.randrange(2, 6))) + "\n"
        return made

    def title(self) -> str:
        """A title."""
        return self.sentence()[:16]
