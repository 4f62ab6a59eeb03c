"""Text comes out right, whatever the bytes declare."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.ingest.encodings import decode, python_name

ARTICLE = "大熊猫属于食肉目，但它们一天要吃掉十几千克竹子。研究人员发现，它们的消化道依旧是食肉动物的样子。"
TRADITIONAL = "大貓熊屬於食肉目，但牠們一天要吃掉十幾公斤竹子。研究人員發現，牠們的消化道依舊是食肉動物的樣子。"
FEED = (
    '<?xml version="1.0"{declared}?><rss version="2.0"><channel><title>x</title>'
    "<item><description>{text}</description></item></channel></rss>"
)
CHINESE = ("gb2312", "gbk", "gb18030", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def document(text: str, encoding: str, declared: str | None = None) -> bytes:
    """A feed with ``text`` in ``encoding``, which declares ``declared``."""
    said = f' encoding="{declared}"' if declared else ""
    return FEED.format(declared=said, text=text).encode(encoding)


@pytest.mark.parametrize(
    "declared", [None, "utf-8", "gb2312", "big5", "iso-8859-1", "windows-1252", "no-such", "utf-16"]
)
@pytest.mark.parametrize("encoding", CHINESE)
def test_simplified_text_is_found_out_whatever_is_declared(encoding: str, declared: str | None) -> None:
    assert ARTICLE in decode(document(ARTICLE, encoding, declared)).text


@pytest.mark.parametrize("declared", [None, "utf-8", "big5", "gb2312", "iso-8859-1"])
def test_traditional_text_in_big5_is_found_out_whatever_is_declared(declared: str | None) -> None:
    text = TRADITIONAL.replace("牠", "它")
    assert text in decode(document(text, "big5", declared)).text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Des chercheurs français ont étudié les forêts près de la rivière, où l’été dure à peine", "cp1252"),
        ("Учёные исследовали, как животные переживают холодную зиму в лесу и на берегу реки", "cp1251"),
        ("研究者はパンダの消化管がまだ肉食動物のものであることを発見した。", "shift_jis"),
        ("研究者はパンダの消化管がまだ肉食動物のものであることを発見した。", "euc_jp"),
        ("연구자들은 판다의 소화관이 여전히 육식동물의 것임을 발견했다", "euc_kr"),
    ],
)
def test_other_scripts_are_read_as_declared(text: str, encoding: str) -> None:
    assert text in decode(document(text, encoding, encoding)).text


@pytest.mark.parametrize("encoding", ["gb2312", "big5", "euc_kr", "shift_jis", "iso8859-2"])
def test_a_single_character_is_read_as_declared(encoding: str) -> None:
    sign = "é" if encoding == "iso8859-2" else "年"
    assert sign in decode(f"<?xml version='1.0' encoding='{encoding}'?><a>{sign}</a>".encode(encoding)).text


def test_characters_that_are_utf_8_by_chance_are_read_as_declared() -> None:
    data = "<?xml version='1.0' encoding='gbk'?><a>联通</a>".encode("gbk")
    assert "联通" in decode(data).text
    assert "é" in decode("<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>".encode()).text


def test_the_header_counts_where_the_document_says_nothing() -> None:
    text = "Учёные исследовали, как животные переживают зиму"
    assert decode(text.encode("koi8-r"), "koi8-r").text == text


def test_a_byte_order_mark_outweighs_what_is_declared() -> None:
    data = codecs.BOM_UTF8 + document(ARTICLE, "utf-8", "gb2312")
    assert decode(data, "gbk").encoding == "utf-8"
    assert decode(data, "gbk").text.startswith("<?xml")


def test_a_few_damaged_bytes_do_not_turn_utf_8_into_something_else() -> None:
    data = document(ARTICLE * 10, "utf-8").replace("研究".encode(), "研究".encode()[:4], 1)
    decoded = decode(data)
    assert decoded.encoding == "utf-8"
    assert decoded.text.count("\ufffd") == 1


def test_a_long_text_without_a_tag_is_judged_by_its_beginning() -> None:
    assert decode(document(ARTICLE * 5000, "gb18030")).text.count(ARTICLE) == 5000


@pytest.mark.parametrize(
    "label", ["utf-7", "rot13", "hex", "idna", "unicode_escape", "raw_unicode_escape", "", "\0", "x" * 99]
)
def test_what_is_no_encoding_of_documents_is_never_used(label: str) -> None:
    assert python_name(label) is None


def test_utf_7_does_not_turn_letters_into_markup() -> None:
    assert "<script" not in decode(b"<?xml version='1.0' encoding='utf-7'?><a>+ADw-script+AD4-</a>", "utf-7").text


@given(
    st.binary(max_size=400),
    st.sampled_from([None, "gbk", "big5", "utf-16", "utf-32", "iso-2022-cn", "hz", "utf-8", "ascii"]),
)
def test_any_bytes_become_text(data: bytes, charset: str | None) -> None:
    decoded = decode(data, charset)
    assert decoded.text.encode("utf-8", "surrogatepass") is not None
    assert data.decode(decoded.encoding, "replace").endswith(decoded.text[1:])


_HAN = st.text(
    st.sampled_from(
        "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    ),
    min_size=30,
    max_size=200,
)
_HAN = _HAN.filter(lambda text: len(set(text)) > 12)


@given(
    _HAN,
    st.sampled_from(["gb18030", "utf-8", "utf-16-le", "utf-16-be"]),
    st.sampled_from([None, "utf-8", "gb2312", "iso-8859-1"]),
)
def test_common_chinese_survives_any_declaration(text: str, encoding: str, declared: str | None) -> None:
    assert text in decode(document(text, encoding, declared)).text


@given(st.text(min_size=1))
def test_valid_utf_8_is_never_taken_for_anything_else(text: str) -> None:
    data = document(text.replace("\0", ""), "utf-8") if text.isprintable() else text.encode("utf-8", "ignore")
    if b"\0" not in data and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        assert decode(data).text == data.decode()
