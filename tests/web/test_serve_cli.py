"""``kepu serve`` as it is started, asked, stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from content_store import events
from content_store.db import open_database
from content_store.settings import Settings, load_settings
from content_store.vocabulary import EventKind
from tests.support.serving import Server, everything, serving
from tests.support.shelves import shelved
from web.app import LARGEST_BODY

JSON = {"Content_Type": "application/json"}


@pytest.fixture
def settings_of(profile: Callable[..., Settings]) -> Mapping[str, str]:
    """The variables of each profile."""
    settings = profile()
    found = {"KEPU_DATA_DIR": str(settings.data_dir), "KEPU_DATABASE_URL": settings.database_url}
    return found | ({"KEPU_REDIS_URL": settings.redis_url} if settings.redis_url else {})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that only ask."""
    with serving({"KEPU_DATA_DIR": str(tmp_path_factory.mktemp("served"))}) as started:
        yield started


def test_it_serves_either_profile_and_ends_in_order(settings_of: Mapping[str, str]) -> None:
    with serving(settings_of) as server:
        status, headers, body = server.request("PATCH", "/api/v1/me", b'{"interests": ["space"]}', **JSON)
        assert status == 200
        cookie = headers["Set-Cookie"].partition(";")[0]
        again = server.request("GET", "/api/v1/me", Cookie=cookie)
        assert (again[0], again[2]) == (200, body)
        assert json.loads(server.request("GET", "/readyz")[2])["hot"] == "ok"
        assert server.stop() == 0
        assert not [line for line in server.messages.splitlines() if " INFO " not in line]


def test_two_servers_on_one_set_of_records_know_the_same_citizens(settings_of: Mapping[str, str]) -> None:
    with serving(settings_of) as first, serving(settings_of) as second:
        _, headers, body = first.request("PATCH", "/api/v1/me", b'{"prefecture": "510100"}', **JSON)
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert second.request("GET", "/api/v1/me", Cookie=cookie)[2] == body


def test_every_page_that_was_answered_is_logged_when_it_is_told_to_end(settings_of: Mapping[str, str]) -> None:
    database = open_database(load_settings(settings_of))
    shelved(database)
    with serving(settings_of) as server:
        pages = [json.loads(server.request("GET", "/api/v1/feed?limit=50")[2])["items"] for _ in range(30)]
        assert server.stop() == 0
        assert "impressions" not in server.messages
    with database.connect() as connection:
        stored = events.count_by_kind(connection)
    database.close()
    assert stored == {EventKind.IMPRESSION: sum(map(len, pages))}
    assert {len(page) for page in pages} == {45}


def test_what_was_begun_is_answered_before_it_ends(tmp_path: Path) -> None:
    with serving({"KEPU_DATA_DIR": str(tmp_path)}) as server:
        with server.connect() as begun, server.connect() as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(65536).startswith(b"HTTP/1.1 200")
            begun.sendall(b"PATCH /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            begun.sendall(b"Content-Length: 2\r\n\r\n{")
            # The server has read the head when it has answered someone who came later.
            assert server.request("GET", "/healthz")[0] == 200
            server.process.send_signal(signal.SIGTERM)
            begun.sendall(b"}")
            assert everything(begun).startswith(b"HTTP/1.1 200")
        assert server.process.wait(30) == 0


def workers(server: Server) -> list[int]:
    """The processes that answer."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_the_worker_is_a_fresh_process_and_no_copy_of_one_with_threads(server: Server) -> None:
    assert len(workers(server)) == 1


def test_a_server_whose_worker_is_gone_ends_too_and_says_so(tmp_path: Path) -> None:
    with serving({"KEPU_DATA_DIR": str(tmp_path)}) as server:
        os.kill(workers(server)[0], signal.SIGKILL)
        assert server.ended() == 2
        assert "error: the worker process ended by itself" in server.messages


def test_a_server_that_was_killed_leaves_nobody_on_its_port(tmp_path: Path) -> None:
    settings = {"KEPU_DATA_DIR": str(tmp_path)}
    with serving(settings) as first:
        first.request("PATCH", "/api/v1/me", b"{}", **JSON)
        first.stop(signal.SIGKILL)
        with serving(settings, "--port", str(first.port)) as second:
            assert second.port == first.port
            assert second.request("GET", "/healthz")[0] == 200


def refused(settings: Mapping[str, str], *arguments: str) -> str:
    """The messages of a server that does not begin."""
    server = Server(settings, *arguments)
    try:
        assert server.process.stdout is not None
        assert (server.ended(), server.process.stdout.read()) == (2, "")
        return server.messages
    finally:
        server.clear_away()


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        messages = refused({"KEPU_DATA_DIR": str(tmp_path)}, "--port", str(port))
    assert f"error: cannot listen on 127.0.0.1 port {port}: Address already in use" in messages
    assert "give another --port" in messages


def test_an_address_that_is_not_this_machines_is_told(tmp_path: Path) -> None:
    assert "cannot listen on 192.0.2.1" in refused({"KEPU_DATA_DIR": str(tmp_path)}, "--host", "192.0.2.1")


def test_a_name_that_is_no_address_is_told(tmp_path: Path) -> None:
    messages = refused({"KEPU_DATA_DIR": str(tmp_path)}, "--host", "no such host")
    assert "error: no such host is no address of this machine" in messages


@pytest.mark.parametrize(("host", "shown"), [("localhost", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")])
def test_it_listens_on_the_host_that_is_given(tmp_path: Path, host: str, shown: str) -> None:
    server = Server({"KEPU_DATA_DIR": str(tmp_path)}, "--host", host, "--port", "0")
    try:
        assert server.wait_until_it_listens() == f"http://{shown}:{server.port}"
    finally:
        server.clear_away()


def test_records_that_cannot_be_opened_are_told_before_anything_listens(tmp_path: Path) -> None:
    messages = refused({"KEPU_DATABASE_URL": f"sqlite:///{tmp_path}", "KEPU_DATA_DIR": str(tmp_path)}, "--port", "0")
    assert "error: the database" in messages
    assert "Traceback" not in messages


def test_one_who_sends_slowly_keeps_nobody_waiting(server: Server) -> None:
    slow = [server.connect() for _ in range(40)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(b"PATCH /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            connection.sendall(b"Content-Length: 2\r\n\r\n{" if number % 2 else b"Content-Length: 2\r\n")
        assert server.request("GET", "/api/v1/me")[0] == 200
        assert server.request("PATCH", "/api/v1/me", b"{}", **JSON)[0] == 200
    finally:
        for connection in slow:
            connection.close()


def test_a_body_that_is_too_large_is_refused_announced_or_not(server: Server) -> None:
    head = b"PATCH /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    # No more is sent than the server reads: what it left unread could make the system throw its answer away.
    answer = server.ask(head + f"Content-Length: {LARGEST_BODY + 1}\r\n\r\n".encode())
    assert b" 413 " in answer.split(b"\r\n")[0]
    chunks = (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * (LARGEST_BODY // 0x10000)
    answer = server.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"1\r\n \r\n")
    assert b" 413 " in answer.split(b"\r\n")[0]


def test_a_body_in_pieces_is_put_together(server: Server) -> None:
    head = b"PATCH /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    parts = b'12\r\n{"prefecture": "51\r\n6\r\n0100"}\r\n0\r\n\r\n'
    answer = server.ask(head + b"Transfer-Encoding: chunked\r\n\r\n" + parts)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"prefecture":"510100"' in answer


def test_a_header_with_an_underscore_does_not_pass_for_another(server: Server) -> None:
    status, _, _ = server.request("GET", "/api/v1/me", X__Citizen="a")
    assert status == 200
    raw = server.ask(b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX_Citizen: a\r\nConnection: close\r\n\r\n")
    assert raw.startswith(b"HTTP/1.1 200")
    assert server.request("GET", "/api/v1/me", X_Citizen="a")[0] == 403


@pytest.mark.parametrize(
    "line",
    [
        b"GET /%00 HTTP/1.1",
        b"GET /%ff%fe HTTP/1.1",
        b"GET /\xe7\xa7\x91 HTTP/1.1",
        b"GET /api/v1/%E7%A7%91 HTTP/1.1",
        b"GET /a?%ff=%00 HTTP/1.1",
        b"GET //x//.. HTTP/1.1",
        b"GET http://elsewhere/x HTTP/1.1",
        b"BREW /api/v1/me HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET /nowhere HTTP/1.0",
        b"\x00\x01\x02",
    ],
)
def test_no_line_makes_the_server_fail(server: Server, line: bytes) -> None:
    answer = server.ask(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert not answer or 400 <= int(answer.split(b" ", 2)[1]) < 500
    assert server.request("GET", "/healthz")[0] == 200


def test_a_head_request_is_answered_without_a_body(server: Server) -> None:
    answer = server.ask(b"HEAD /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"content-length: 93" in head.lower()
    assert body == b""


def test_many_may_write_at_once(server: Server) -> None:
    connections = [server.connect() for _ in range(16)]
    try:
        for connection in connections:
            connection.sendall(
                b"PATCH /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                b'Content-Length: 23\r\n\r\n{"interests":["space"]}'
            )
        answers = [everything(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * 16
    ids = {json.loads(answer.partition(b"\r\n\r\n")[2])["id"] for answer in answers}
    assert len(ids) == 16
