"""Headers: nothing that they say breaks us, and nothing is kept that could not be sent back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from content_store.ingest import headers

NOON = 1_735_704_000_000
values = st.text(st.characters(codec="latin-1"), max_size=60) | st.from_regex(
    r'(W/)?"[ -~]{0,20}"|[0-9]{1,25}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [A-Z+-]{3}[0-9]{0,6}|'
    r"(max-age|no-cache|Max-Age)\s?=?[0-9\"]{0,30}",
    fullmatch=True,
)
answers = st.dictionaries(
    st.sampled_from(
        ["ETag", "Last-Modified", "Retry-After", "Cache-Control", "Age", "Expires", "Date", "Content-Type"]
    ),
    values,
)


@given(answers)
def test_any_answer_is_understood_or_passed_over(answer: dict[str, str]) -> None:
    for kept in (headers.etag(answer.get), headers.last_modified(answer.get)):
        assert kept is None or (kept.isascii() and kept.isprintable() and len(kept) <= 512)
    for seconds in (headers.retry_after_s(answer.get, NOON), headers.fresh_s(answer.get, NOON)):
        assert seconds is None or seconds >= 0
    kind, charset = headers.content_type(answer.get)
    assert kind == kind.lower()
    assert charset is None or charset == charset.lower()
