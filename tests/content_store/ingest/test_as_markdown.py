"""What was fetched is stored as Markdown; rendered again it says the same, and nothing of it acts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.ingest.as_markdown import markdown_of
from content_store.ingest.sanitising import clean_html, plain_text
from web.portal.markdown import render

_TEXTS = st.text(alphabet=st.sampled_from(list("科普。，“”（）ab1 2.#-+*_`~[]()<>|!\\&=\n：")), max_size=12)
_INLINE = st.sampled_from(["b", "i", "em", "strong", "a", "code", "span", "sub", "sup", "s"])
_BLOCK = st.sampled_from(
    ["p", "div", "li", "ul", "ol", "blockquote", "h2", "h3", "table", "tr", "td", "pre", "dl", "dt"]
)


def _wrapped(inner: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def wrap(name: str, parts: list[str]) -> str:
        given = ' href="https://example.org/(1)"' if name == "a" else ""
        return f"<{name}{given}>{''.join(parts)}</{name}>"

    return st.builds(wrap, names, st.lists(inner, max_size=4))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_TREES = st.recursive(
    _TEXTS.map(_escaped), lambda inner: _wrapped(inner, _INLINE) | _wrapped(inner, _BLOCK), max_leaves=12
)


def _signs(html: str) -> str:
    """What is read of it, without blanks and without what stands for raised and lowered signs."""
    return re.sub(r"[\s^（）()₍₎⁽⁾]+", "", plain_text(html)).translate(
        str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼₀₁₂₃₄₅₆₇₈₉₊₋₌", "0123456789+-=" * 2)
    )


@given(st.lists(_TREES, max_size=4).map("".join))
def test_whatever_is_cleaned_says_the_same_when_it_comes_back_from_markdown(html: str) -> None:
    cleaned = clean_html(html, "https://example.org/")
    rendered = clean_html(str(render(markdown_of(cleaned))))
    assert _signs(rendered) == _signs(cleaned)


@given(_TEXTS)
def test_a_text_full_of_signs_stays_a_text(text: str) -> None:
    rendered = str(render(markdown_of(clean_html(f"<p>{_escaped(text)}</p>"))))
    assert re.sub(r"</?p>|<br ?/?>", "", rendered).strip() == "" or "<" not in re.sub(r"</?p>|<br ?/?>", "", rendered)


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<h2>一</h2><p>二<br>三</p>", "## 一\n\n二\\\n三"),
        ("<p>这是<strong>“重要”</strong>的</p>", "这是“**重要**”的"),
        ("<p>10<sup>6</sup> 个 CO<sub>2</sub></p>", "10⁶ 个 CO₂"),
        ('<p><a href="https://a.cn/x(1)">链接</a></p>', "[链接](https://a.cn/x%281%29)"),
        ("<ul><li>一</li><li>二</li></ul>", "- 一\n- 二"),
        ("<ol start=3><li>三</li></ol>", "3. 三"),
        ("<blockquote><p>一</p><p>二</p></blockquote>", "> 一\n>\n> 二"),
        ("<table><tr><th>甲</th><th>乙</th></tr><tr><td>1</td></tr></table>", "| 甲 | 乙 |\n| --- | --- |\n| 1 |  |"),
        ("<pre>a\n  ```b</pre>", "````\na\n  ```b\n````"),
        ("<p># 不是标题</p><p>1. 不是</p>", "\\# 不是标题\n\n1\\. 不是"),
        ("<p><ruby>汉<rt>han</rt></ruby><s>错</s></p>", "汉（han）~~错~~"),
        ('<img src="https://a.cn/b.png" alt="图">', "![图](https://a.cn/b.png)"),
    ],
)
def test_each_element_has_its_sign(html: str, markdown: str) -> None:
    assert markdown_of(clean_html(html)) == markdown


def test_two_lists_beside_each_other_stay_two() -> None:
    assert markdown_of(clean_html("<ul><li>一</li></ul><ul><li>二</li></ul>")) == "- 一\n\n* 二"
    assert str(render(markdown_of(clean_html("<ol><li>一</li></ol><ol><li>二</li></ol>")))).count("<ol>") == 2
