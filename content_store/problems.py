"""The ways in which fetching from the web fails: words that are stored with a feed and shown to its creator.

Values are stored in databases, so a value is never renamed; a new one is added instead.
"""

from __future__ import annotations

from enum import StrEnum


class FetchProblem(StrEnum):
    """Why something on the web could not be had; ``label`` tells the creator whose feed it is what to look at."""

    BAD_URL = "bad_url"
    REFUSED_ADDRESS = "refused_address"
    REFUSED_PORT = "refused_port"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    BOMB = "bomb"
    BAD_ENCODING = "bad_encoding"
    BROKEN = "broken"
    REDIRECT_LOOP = "redirect_loop"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    INSECURE_REDIRECT = "insecure_redirect"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    GONE = "gone"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_STATUS = "bad_status"
    ROBOTS = "robots"
    HOST_BUSY = "host_busy"
    BAD_FEED = "bad_feed"

    @property
    def label(self) -> str:
        """The Chinese sentence."""
        return _PROBLEM_LABELS[self]


_PROBLEM_LABELS = {
    FetchProblem.BAD_URL: "网址不能使用，请填写以 http:// 或 https:// 开头、不含用户名和密码的完整网址",
    FetchProblem.REFUSED_ADDRESS: "网址指向内部网络或保留地址，本平台不能访问",
    FetchProblem.REFUSED_PORT: "网址使用了不允许的端口，请改用 80 或 443 端口",
    FetchProblem.DNS: "找不到这个域名，请检查域名是否拼写正确、是否已过期",
    FetchProblem.CONNECT: "连接不上服务器，请检查网站是否正常运行",
    FetchProblem.TLS: "网站的安全证书无效、过期或与域名不符，请更新证书",
    FetchProblem.TOO_SLOW: "服务器响应太慢，没有在规定时间内传完",
    FetchProblem.TOO_LARGE: "返回的内容太大，请减少订阅源中的条目数",
    FetchProblem.BOMB: "压缩内容解开后异常庞大，已停止接收",
    FetchProblem.BAD_ENCODING: "压缩内容无法解开，请检查网站的压缩设置",
    FetchProblem.BROKEN: "服务器的回答不完整或不合规范",
    FetchProblem.REDIRECT_LOOP: "网址反复跳转回到原处，请检查网站的跳转设置",
    FetchProblem.TOO_MANY_REDIRECTS: "网址跳转次数太多，请直接填写最终的网址",
    FetchProblem.INSECURE_REDIRECT: "安全网址（https）跳转到了不安全的网址（http），已停止访问",
    FetchProblem.FORBIDDEN: "服务器拒绝访问，请允许本平台读取订阅源",
    FetchProblem.NOT_FOUND: "网址上已没有内容，请检查订阅源地址是否变更",
    FetchProblem.GONE: "服务器表示这个地址已永久关闭，已停止抓取",
    FetchProblem.RATE_LIMITED: "服务器要求降低访问频率，稍后会自动重试",
    FetchProblem.SERVER_ERROR: "服务器内部出错，稍后会自动重试",
    FetchProblem.BAD_STATUS: "服务器返回了意外的状态，没有给出内容",
    FetchProblem.ROBOTS: "网站的 robots.txt 不允许抓取这个页面",
    FetchProblem.HOST_BUSY: "正在访问同一网站的其他内容，稍后会自动重试",
    FetchProblem.BAD_FEED: "返回的内容不是可以识别的订阅源",
}
