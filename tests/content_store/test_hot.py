"""Reaching Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from content_store import hot
from content_store.errors import HotStateError
from content_store.settings import Settings


def test_without_a_url_there_is_no_client(settings_factory: Callable[..., Settings]) -> None:
    assert hot.connect(settings_factory()) is None


def test_a_client_reads_what_another_wrote(settings_factory: Callable[..., Settings], redis_url: str) -> None:
    settings = settings_factory(redis_url=redis_url)
    first, second = hot.connect(settings), hot.connect(settings)
    assert first is not None
    assert second is not None
    first.set("词", "星")
    assert second.get("词") == "星".encode()


def test_a_server_that_is_not_there_is_named_without_its_password(settings_factory: Callable[..., Settings]) -> None:
    settings = settings_factory(redis_url="redis://:geheim@127.0.0.1:1/0")
    with pytest.raises(HotStateError, match=r"redis://:\*\*\*@127\.0\.0\.1:1/0") as caught:
        hot.connect(settings)
    assert "geheim" not in caught.value.message
