"""The words of those who work here: what there is to be allowed, the roles, and which role allows what.

As in ``vocabulary``, values are stored and never renamed.
"""

from __future__ import annotations

from enum import StrEnum

from content_store.vocabulary import OrganisationKind, Role


class Permission(StrEnum):
    """One thing that may be done in an organisation and in all below it; ``label`` is what people read."""

    WRITE_WORKS = "write_works"
    CONNECT_FEEDS = "connect_feeds"
    SEE_QUEUE = "see_queue"
    REVIEW_FIRST = "review_first"
    REVIEW_SECOND = "review_second"
    REVIEW_FINAL = "review_final"
    REVIEW_SCIENCE = "review_science"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    CORRECT = "correct"
    EDIT_COLUMNS = "edit_columns"
    PLAN_PUSHES = "plan_pushes"
    MANAGE_BASE = "manage_base"
    MANAGE_CREATORS = "manage_creators"
    MANAGE_FEEDS = "manage_feeds"
    SEE_OPERATIONS = "see_operations"
    READ_AUDIT = "read_audit"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_ORGANISATIONS = "manage_organisations"
    MANAGE_KEYS = "manage_keys"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _PERMISSION_LABELS[self]


_PERMISSION_LABELS = {
    Permission.WRITE_WORKS: "撰写稿件",
    Permission.CONNECT_FEEDS: "接入自己的订阅源",
    Permission.SEE_QUEUE: "查看审核队列",
    Permission.REVIEW_FIRST: "一审",
    Permission.REVIEW_SECOND: "二审",
    Permission.REVIEW_FINAL: "终审",
    Permission.REVIEW_SCIENCE: "科学审核",
    Permission.PUBLISH: "发布内容",
    Permission.WITHDRAW: "下架内容",
    Permission.CORRECT: "更正内容",
    Permission.EDIT_COLUMNS: "编辑专栏",
    Permission.PLAN_PUSHES: "安排推送",
    Permission.MANAGE_BASE: "管理基地资源和活动",
    Permission.MANAGE_CREATORS: "管理创作达人",
    Permission.MANAGE_FEEDS: "管理订阅源",
    Permission.SEE_OPERATIONS: "查看运营数据",
    Permission.READ_AUDIT: "查看操作记录",
    Permission.MANAGE_ACCOUNTS: "管理账号和授权",
    Permission.MANAGE_ORGANISATIONS: "管理机构",
    Permission.MANAGE_KEYS: "管理服务令牌",
}


class StaffRole(StrEnum):
    """What somebody is in an organisation; ``label`` is what people read, ``permissions`` what it allows."""

    AUTHOR = "author"
    CREATOR = "creator"
    REVIEWER_1 = "reviewer_1"
    REVIEWER_2 = "reviewer_2"
    REVIEWER_3 = "reviewer_3"
    SCIENCE_REVIEWER = "science_reviewer"
    COLUMN_EDITOR = "column_editor"
    PUSH_EDITOR = "push_editor"
    BASE_STAFF = "base_staff"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _ROLE_LABELS[self]

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it allows; docs/access.md tells the same, and a test compares them."""
        return ROLE_PERMISSIONS[self]


_ROLE_LABELS = {
    StaffRole.AUTHOR: "作者",
    StaffRole.CREATOR: "创作达人",
    StaffRole.REVIEWER_1: "一审编辑",
    StaffRole.REVIEWER_2: "二审编辑",
    StaffRole.REVIEWER_3: "终审编辑",
    StaffRole.SCIENCE_REVIEWER: "科学审核专家",
    StaffRole.COLUMN_EDITOR: "专栏编辑",
    StaffRole.PUSH_EDITOR: "推送编辑",
    StaffRole.BASE_STAFF: "基地人员",
    StaffRole.OPERATOR: "运营人员",
    StaffRole.AUDITOR: "审计人员",
    StaffRole.ADMINISTRATOR: "管理员",
}

_P = Permission
ROLE_PERMISSIONS: dict[StaffRole, frozenset[Permission]] = {
    StaffRole.AUTHOR: frozenset({_P.WRITE_WORKS}),
    StaffRole.CREATOR: frozenset({_P.WRITE_WORKS, _P.CONNECT_FEEDS}),
    StaffRole.REVIEWER_1: frozenset({_P.SEE_QUEUE, _P.REVIEW_FIRST}),
    StaffRole.REVIEWER_2: frozenset({_P.SEE_QUEUE, _P.REVIEW_SECOND}),
    StaffRole.REVIEWER_3: frozenset({_P.SEE_QUEUE, _P.REVIEW_FINAL, _P.PUBLISH, _P.WITHDRAW, _P.CORRECT}),
    StaffRole.SCIENCE_REVIEWER: frozenset({_P.SEE_QUEUE, _P.REVIEW_SCIENCE}),
    StaffRole.COLUMN_EDITOR: frozenset({_P.EDIT_COLUMNS}),
    StaffRole.PUSH_EDITOR: frozenset({_P.PLAN_PUSHES}),
    StaffRole.BASE_STAFF: frozenset({_P.WRITE_WORKS, _P.MANAGE_BASE}),
    StaffRole.OPERATOR: frozenset({_P.SEE_QUEUE, _P.MANAGE_CREATORS, _P.MANAGE_FEEDS, _P.SEE_OPERATIONS}),
    StaffRole.AUDITOR: frozenset({_P.SEE_QUEUE, _P.SEE_OPERATIONS, _P.READ_AUDIT}),
    StaffRole.ADMINISTRATOR: frozenset({_P.MANAGE_ACCOUNTS, _P.MANAGE_ORGANISATIONS, _P.MANAGE_KEYS}),
}
"""No role that reviews administers, and none that administers reviews: nobody gives themselves what a review needs."""

KEY_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.SERVICE: frozenset(),
    Role.EDITOR: frozenset({_P.WRITE_WORKS, _P.SEE_QUEUE}),
    Role.OPERATOR: frozenset({_P.MANAGE_FEEDS, _P.SEE_OPERATIONS}),
    Role.BASE: frozenset({_P.WRITE_WORKS, _P.MANAGE_BASE}),
    Role.CREATOR: frozenset({_P.WRITE_WORKS, _P.CONNECT_FEEDS}),
}
"""What a programme may do by a service token of each role. None of them reviews: a review is done by a person."""

PARENT_KINDS: dict[OrganisationKind, frozenset[OrganisationKind]] = {
    OrganisationKind.PROVINCE: frozenset(),
    OrganisationKind.PREFECTURE: frozenset({OrganisationKind.PROVINCE}),
    OrganisationKind.COUNTY: frozenset({OrganisationKind.PREFECTURE}),
    OrganisationKind.SOCIETY: frozenset(OrganisationKind) - {OrganisationKind.BASE},
    OrganisationKind.BASE: frozenset(OrganisationKind),
}
"""Under which kinds of organisation one of each kind may be."""


def roles_with(permission: Permission) -> list[StaffRole]:
    """The roles that allow ``permission``."""
    return [role for role in StaffRole if permission in role.permissions]
