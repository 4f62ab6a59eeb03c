"""What every page for editors is made from: the notices, the names of organisations, and where one may see anything."""

from __future__ import annotations

from typing import Any

from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from content_store import organisations, roles
from content_store.db import Connection
from content_store.staff_vocabulary import Permission
from web import signed

NOTICES = {
    "added": "已记下你的意见。",
    "claimed": "已领取，请在时限内完成；做不完可以归还。",
    "released": "已归还，别人可以领取了。",
    "gone": "这一步已经不在你手里：可能超时退回了队列。",
    "passed": "已通过这一步，转到下一步。",
    "passed_all": "全部步骤已通过，可以发布了。",
    "returned": "已退回作者，原因和意见作者都能看到。",
    "suggested": "已按建议改好，存为新的一版。请核对以后送审。",
    "saved": "已保存为新的一版。",
    "submitted": "已送审。",
    "published": "已发布，市民现在就能看到。",
    "scheduled": "已定时，到时间自动发布。",
    "unscheduled": "已取消定时，审核结果仍然有效。",
    "withdrawn": "已下架，市民页面上只留下下架原因。",
    "copied": "已复制为新的一版草稿，请检查后重新送审。",
    "lifted": "已解除隔离，审核可以继续。",
    "discarded": "已丢弃那份没有保存的改动。",
    "science": "已保存。以后送审的稿件按新的名单走。",
}


def page(template: str, *, status: int = 200, **given: Any) -> Response:
    """A page with the notice that its address names."""
    given = {"notice": NOTICES.get(request.args.get("notice", "")), "faults": {}, "typed": {}} | given
    if status != 200:
        given["notice"] = None
    return make_response(render_template(f"editor/{template}", **given), status)


def reach(connection: Connection) -> frozenset[str]:
    """The organisations whose queue and contents the person may see."""
    return roles.reach(connection, signed.who().account.id, Permission.SEE_QUEUE)


def names(connection: Connection) -> dict[str, str]:
    """The names of all organisations, by id."""
    return {entry.id: entry.name for entry in organisations.every(connection)}
