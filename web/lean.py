"""Flask without what none of our routes uses: what is around a page that was begun would take a third of its time.

Left out are blueprints, sessions, signals, coroutines, trusted hosts and subdomains. Who asks finds no difference.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response
from werkzeug.routing import Map, MapAdapter
from werkzeug.wsgi import get_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Request

_NAMES = Map()


class Lean(Flask):
    """What ``create_app`` makes its app of."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """``func``, which is no coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the route of ``request``. Flask finds the name of its host out three times over."""
        if request is None or "HTTP_UPGRADE" in request.environ or request.root_path:
            return super().create_url_adapter(request)
        environ = request.environ
        at = environ.get("HTTP_HOST"), environ["SERVER_NAME"], environ["SERVER_PORT"]
        request.host, name = _host(request.scheme, *at)
        path, query = (environ.get(part, "").encode("latin1").decode(errors="replace") for part in _DANCING)
        return MapAdapter(self.url_map, name, "/", "", request.scheme, path, request.method, query)

    def full_dispatch_request(self) -> Response:
        """Call what comes before a request, its view, and what comes after it."""
        try:
            answer = self.preprocess_request()
            if answer is None:
                answer = self.dispatch_request()
        except Exception as error:
            answer = self.handle_user_exception(error)
        return self.finalize_request(answer)

    def preprocess_request(self) -> Any:
        """Call what comes before a request, until one answers it."""
        for before in self.before_request_funcs.get(None, ()):
            answer = before()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        """Let what comes after a request change its answer, in reverse order."""
        for after in reversed(self.after_request_funcs.get(None, ())):
            response = after(response)
        return response


_DANCING = ("PATH_INFO", "QUERY_STRING")


@functools.lru_cache(1_024)
def _host(scheme: str, header: str | None, server: str, port: str) -> tuple[str, str]:
    """The host that a request is for, and its name in ASCII. Raises SecurityError or BadHost for what is none."""
    environ = {"wsgi.url_scheme": scheme, "SERVER_NAME": server, "SERVER_PORT": port}
    host = get_host(environ if header is None else environ | {"HTTP_HOST": header})
    return host, _NAMES.bind(host.lower(), subdomain="").server_name


class Plain(Response):
    """An answer whose body is there already, whole.

    ``fixed``: headers that are sent as they stand, beside those in ``headers`` that anyone may read and change.
    """

    fixed: Iterable[tuple[str, str]] = ()

    def __init__(self, body: bytes | str, status: int, content_type: str) -> None:
        super().__init__(body, status, content_type=content_type)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer by WSGI. Werkzeug would copy and read all headers for what no such answer has."""
        if self.fixed:
            if environ["REQUEST_METHOD"] == "GET" and self.status_code == 200 and "Location" not in self.headers:
                start_response(self.status, [*self.headers, *self.fixed])
                return self.response  # type: ignore[return-value]
            self.headers.extend(self.fixed)
        return super().__call__(environ, start_response)
