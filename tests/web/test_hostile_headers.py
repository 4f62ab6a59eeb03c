"""Whatever stands in the headers of a request, the server does not fail."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = (
    "Accept",
    "Authorization",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Host",
    "Origin",
    "Sec-Fetch-Site",
    "Transfer-Encoding",
    "X-Citizen",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Form-Token",
)
TEMPTING = (
    "Bearer kepu_key_a_b",
    "Bearer kepu_citizen_AAAA",
    "Bearer",
    "kepu_citizen=AQAA; kepu_citizen=é; a",
    "http://[",
    "http://localhost@evil",
    "[::1",
    "-1",
    "99999999999999999999",
    "application/json; charset=\xff",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "%",
    "%F0%28%8C%28",
    "chunked",
)
VALUES = st.sampled_from(TEMPTING) | st.text(
    st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=60
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    headers=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5),
    request=st.sampled_from([("GET", "/api/v1/me"), ("PATCH", "/api/v1/me"), ("POST", "/form"), ("GET", "/nowhere")]),
)
@pytest.mark.parametrize("trusted_proxies", [0, 1])
def test_no_header_makes_the_server_fail(
    hostile_apps: dict[int, Flask], trusted_proxies: int, headers: dict[str, str], request: tuple[str, str]
) -> None:
    method, path = request
    client = hostile_apps[trusted_proxies].test_client(use_cookies=False)
    answer = client.open(path, method=method, headers=headers, data=b"{}" if method != "GET" else None)
    assert answer.status_code < 500, answer.text
