"""How likely a text is one that somebody wrote: what tells the right decoding of bytes from a wrong one.

Characters are rated by a rough unigram model, in nats. The wrong decoding of Chinese text is full of characters that
exist but that nobody uses; which those are is told by the levels of GB 2312-1980 and Big5 (their level 1 is what is
in common use) and by short lists of the most frequent ones.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Protocol

_FREQUENT = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没"
    "日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美"
    "点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关"
    "并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更"
    "反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃"
    "义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言权往展该领传近留红治决周保达办运武半候七必城父强步完革深区即求"
    "品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党倒未持取设始版双历越史商千片容研像找友孩站广改议形委早房音火"
    "类食源病药球星研究健康环境技术科普知识实验能量植物动物细胞疫苗地震洪水防灾"
)
_FREQUENT_TRADITIONAL = (
    "這來國個說們為會時過學對裡後麼於還發當無開經頭樣現將與進實點種聲話兒問業間電東氣關並內產萬體別處總場師書員華報馬張難"
    "數車應係計親務記邊戰幹覺題統請愛讓認論義術結陸連遠資隊帶條變聯權領傳紅決達辦運區轉眾輕語滿寫識極黃臉錢黨設雙歷類廣議"
    "號課觀測環驗醫療藥細節動態讀網絡灣灣臺灣學習專顯熱質園陽層離際"
)
_ACCENTED = "éèàçäöüßñáíóúãõâêîôûëïåøæ"
_JOINTS = "，。、；：？！“”‘’（）《》「」『』—…·　％～"

_FREQUENT_P, _COMMON_P, _RARE_P = -6.1, -9.2, -15.0
_JOINT_P, _KANA_P, _HANGUL_P, _WIDE_P = -4.0, -5.5, -7.8, -8.0
_ACCENTED_P, _LATIN_P, _LATIN_UPPER_P, _SYMBOL_P = -4.5, -6.5, -8.0, -9.5
_LETTER_P, _OTHER_LETTER_P, _UPPER_P = -3.6, -5.0, -6.5
_NEVER_P = -22.0
"""Nats per character; a control character, a private one or a replacement is never written."""

_SCRIPTS = (
    ("\u0370", "\u03ff", "αιοετνσρκπυλμ"),
    ("\u0400", "\u04ff", "оеаинтсрвлкмдпуяі"),
    ("\u0590", "\u05ff", "יוהלאתרבשמנ"),
    ("\u0600", "\u06ff", "المنيوترهبع"),
    ("\u0e00", "\u0e7f", "านรอกเงมยลวทสตะปค่้ีิัดหข"),
)
"""Greek, Cyrillic, Hebrew, Arabic, Thai: first and last sign, and the letters that make up most of a text."""


class Rating(Protocol):
    """Rates one character in nats."""

    def __call__(self, sign: str) -> float: ...


def _level_1(codec: str, leads: range) -> frozenset[str]:
    trails = [*range(0x40, 0x7F), *range(0xA1, 0xFF)] if codec == "big5" else range(0xA1, 0xFF)
    pairs = (bytes((lead, trail)).decode(codec, "ignore") for lead in leads for trail in trails)
    return frozenset(sign for sign in pairs if "一" <= sign <= "鿿")


@cache
def _simplified() -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(_FREQUENT), _level_1("gb2312", range(0xB0, 0xD8))


@cache
def _traditional() -> tuple[frozenset[str], frozenset[str]]:
    common = _level_1("big5", range(0xA4, 0xC7))
    frequent = (set(_FREQUENT) & common) | set(_FREQUENT_TRADITIONAL)
    return frozenset(frequent), common


@cache
def _either() -> tuple[frozenset[str], frozenset[str]]:
    (frequent, common), (more_frequent, more_common) = _simplified(), _traditional()
    return frequent | more_frequent, common | more_common


def _rate(sign: str, frequent: frozenset[str], common: frozenset[str]) -> float:
    if "一" <= sign <= "鿿":
        return _FREQUENT_P if sign in frequent else _COMMON_P if sign in common else _RARE_P
    if sign in _JOINTS:
        return _JOINT_P
    if "ぁ" <= sign <= "ヺ":
        return _KANA_P
    if "가" <= sign <= "힣":
        return _HANGUL_P
    if "！" <= sign <= "～":
        return _WIDE_P
    if sign < "\xa0" or not sign.isprintable() and sign != "\u3000" or sign == "�" or "\ue000" <= sign <= "\uf8ff" or sign >= "\U00040000":
        return _NEVER_P
    return _rate_alphabetic(sign)


def _rate_alphabetic(sign: str) -> float:
    if "À" <= sign <= "ɏ":
        return _ACCENTED_P if sign in _ACCENTED else _LATIN_P if sign.islower() else _LATIN_UPPER_P
    for first, last, letters in _SCRIPTS:
        if first <= sign <= last:
            return _LETTER_P if sign in letters else _UPPER_P if sign.isupper() else _OTHER_LETTER_P
    if "\u2010" <= sign <= "\u2044" or sign in "\xa0©®°·«»™":
        return _LATIN_P
    return _SYMBOL_P if sign < "\u3400" else _RARE_P


def likelihood(text: str, *, alphabet: str = "") -> float:
    """The log-likelihood (nats) of the characters of ``text`` outside ASCII; ``alphabet``: ``simplified``, ``traditional``
    or both."""
    frequent, common = {"simplified": _simplified, "traditional": _traditional}.get(alphabet, _either)()
    counted = Counter(text)
    for sign in "\t\n\r":
        counted.pop(sign, None)
    return sum(
        times * _rate(sign, frequent, common) for sign, times in counted.items() if sign >= "\x80" or sign < " "
    )
