"""Addresses as strangers write them: made absolute, made safe, made comparable."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

WEB = frozenset({"http", "https"})

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff\ufff9-\ufffd]+")
_LINE = re.compile(r"[\t\n\r]+")
LONGEST = 2_000
"""Characters of an address; longer ones are none that anybody could follow."""

_TRACKING = re.compile(
    r"utm_\w+|hmsr|hmpl|hmcu|hmkw|hmci|spm|scm|from_?source|share_?(?:source|medium|token|tag|session_id|plat|from|times)?"
    r"|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|mc_[ce]id|igshid|twclid|_ga|_gl|mkt_tok|wt\.\w+|vero_\w+|oly_\w+"
    r"|vd_source|spm_id_from|bbid|ts|timestamp|chksm|mpshare|scene|srcid|sharer_\w+|sessionid|clicktime|enterid|isappinstalled"
    r"|nsukey|ascene|devicetype|pass_ticket|wx_header|exportkey|bd_vid|qid|traceid|trackid|referer|ref_src|ref_url|cmpid"
    r"|ito|rss|feed|source_?from",
    re.IGNORECASE,
)
"""Parameters that tell who sent a reader and not what is read."""
_PORTS = {"http": 80, "https": 443}
_KEPT = "/:@!$&'()*+,;=-._~"


def safe_url(url: str, base: str | None = None, *, schemes: frozenset[str] = WEB) -> str:
    """``url`` made absolute by ``base``; an empty text where it is no address of one of ``schemes``. Without a base a
    relative address stays as it is."""
    # A browser drops these before it looks for a scheme, so "java\tscript:" must be read as it would.
    url = _LINE.sub("", url).strip()
    url = _IGNORED.sub(lambda found: found[0] if found[0] == " " else "", url).replace(" ", "%20").replace("\\", "/")
    if not url or len(url) > LONGEST:
        return ""
    try:
        if base:
            url = urljoin(base, url)
        elif url.startswith("//"):
            url = "https:" + url
        parts = urlsplit(url)
    except ValueError:
        return ""
    if not parts.scheme:
        # A colon in the first segment would be a scheme to somebody.
        return "" if _SCHEME.match(url) or ":" in url.split("/", 1)[0] or base else url
    if parts.scheme not in schemes or (parts.scheme in WEB and not _has_host(parts)):
        return ""
    return url


def is_web(url: str) -> bool:
    """Whether it is an absolute http or https address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in WEB and _has_host(parts) and len(url) <= LONGEST


def _has_host(parts: SplitResult) -> bool:
    try:
        return bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def canonical_url(url: str) -> str:
    """The address that copies of a page share: host in lower case and ASCII, no default port, no credentials, no
    fragment, no tracking parameters, the others sorted, percent-encoding in one way (RFC 3986, section 6.2). An empty
    text for what is no web address. A fragment that names a page (``#!``) is kept."""
    url = safe_url(url)
    if not is_web(url):
        return ""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        host = quote(host, safe=".-_:")
    if ":" in host:
        host = f"[{host}]"
    port = f":{parts.port}" if parts.port and parts.port != _PORTS[parts.scheme] else ""
    path = quote(unquote(parts.path, errors="surrogateescape"), safe=_KEPT, errors="surrogateescape") or "/"
    pairs = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape", max_num_fields=None)
    kept = sorted(pair for pair in pairs if not _TRACKING.fullmatch(pair[0]))
    query = urlencode(kept, errors="surrogateescape")
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    return urlunsplit((parts.scheme, host + port, path, query, fragment))
