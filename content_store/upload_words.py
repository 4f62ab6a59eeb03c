"""Why an upload is refused, and what its creator should know of one that is taken.

Values are told to programmes, so a value is never renamed; a new one is added instead.
"""

from __future__ import annotations

from enum import StrEnum


class UploadKind(StrEnum):
    """What was uploaded, found out by its content; ``label`` is what people read."""

    MARKDOWN = "markdown"
    HTML = "html"
    DOCX = "docx"
    PICTURE = "picture"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _KIND_LABELS[self]


_KIND_LABELS = {
    UploadKind.MARKDOWN: "Markdown 文本",
    UploadKind.HTML: "网页",
    UploadKind.DOCX: "Word 文档",
    UploadKind.PICTURE: "图片",
}


class UploadProblem(StrEnum):
    """Why an upload is not taken; ``label`` tells its creator what to do."""

    TOO_LARGE = "too_large"
    EMPTY = "empty"
    UNKNOWN_KIND = "unknown_kind"
    OLD_WORD = "old_word"
    ENCRYPTED = "encrypted"
    MACROS = "macros"
    BOMB = "bomb"
    BAD_NAME = "bad_name"
    NESTED = "nested"
    POLYGLOT = "polyglot"
    DOCTYPE = "doctype"
    EXTERNAL = "external"
    TOO_COMPLEX = "too_complex"
    BROKEN = "broken"
    UNREADABLE = "unreadable"
    SVG = "svg"
    PICTURE_KIND = "picture_kind"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_PICTURES = "too_many_pictures"
    DAY_QUOTA = "day_quota"

    @property
    def label(self) -> str:
        """The Chinese sentence."""
        return _PROBLEM_LABELS[self]


_PROBLEM_LABELS = {
    UploadProblem.TOO_LARGE: "文件太大，请压缩其中的图片，或分成几篇上传",
    UploadProblem.EMPTY: "文件里没有文字，也没有可用的图片，请检查是否选错了文件",
    UploadProblem.UNKNOWN_KIND: "不认识这种文件，请上传 Word 文档（.docx）、网页（.html）或 Markdown 文本（.md）",
    UploadProblem.OLD_WORD: "这是旧版 Word 文件（.doc），请在 Word 或 WPS 中另存为 .docx 后再上传",
    UploadProblem.ENCRYPTED: "文件设有密码，请去掉密码后再上传",
    UploadProblem.MACROS: "文件里有宏或其他可以运行的内容，请另存为不带宏的 .docx 后再上传",
    UploadProblem.BOMB: "文件解开后异常庞大，请在 Word 或 WPS 中重新保存后再上传",
    UploadProblem.BAD_NAME: "文件内部的名称不合规范，请在 Word 或 WPS 中重新保存后再上传",
    UploadProblem.NESTED: "文档里嵌有其他文件，请删去它们，把图表粘贴为图片后再上传",
    UploadProblem.POLYGLOT: "文件里混有另一种文件的内容，请重新导出后再上传",
    UploadProblem.DOCTYPE: "文档内部含有不允许的声明，请在 Word 或 WPS 中重新保存后再上传",
    UploadProblem.EXTERNAL: "文档引用了外部的文件或模板，请断开这些链接后再上传",
    UploadProblem.TOO_COMPLEX: "文件结构过于复杂，请简化排版，或分成几篇上传",
    UploadProblem.BROKEN: "文件已损坏或不完整，请重新保存后再上传",
    UploadProblem.UNREADABLE: "无法识别文字编码，请另存为 UTF-8 编码后再上传",
    UploadProblem.SVG: "不接受 SVG 图片，请导出为 PNG 后再上传",
    UploadProblem.PICTURE_KIND: "不认识这种图片，请上传 JPEG、PNG、WebP 或 GIF 图片",
    UploadProblem.TOO_MANY_PIXELS: "图片的尺寸太大，请缩小后再上传",
    UploadProblem.TOO_MANY_PICTURES: "图片太多，请删去一些，或分成几篇上传",
    UploadProblem.DAY_QUOTA: "今天上传的内容已达到上限，请明天再试",
}


class UploadWarning(StrEnum):
    """What the creator of an upload that is taken should know; ``label`` tells it."""

    MISSING_ALT = "missing_alt"
    EXTERNAL_PICTURE = "external_picture"
    MISSING_PICTURE = "missing_picture"
    BAD_PICTURE = "bad_picture"
    ANIMATION = "animation"
    TITLE_FROM_NAME = "title_from_name"
    FORMULA = "formula"
    OBJECT = "object"
    TRACKED_CHANGES = "tracked_changes"
    COMMENTS = "comments"
    ACTIVE_CONTENT = "active_content"
    DROPPED_LINK = "dropped_link"

    @property
    def label(self) -> str:
        """The Chinese sentence."""
        return _WARNING_LABELS[self]


_WARNING_LABELS = {
    UploadWarning.MISSING_ALT: "图片没有文字说明，请补上，视障读者要靠它了解图片内容",
    UploadWarning.EXTERNAL_PICTURE: "图片在别的网站上，没有收入，请把图片本身一并上传",
    UploadWarning.MISSING_PICTURE: "文中提到的图片没有找到，请把图片一并上传",
    UploadWarning.BAD_PICTURE: "有一张图片不能使用，没有收入",
    UploadWarning.ANIMATION: "动图只保留了第一帧",
    UploadWarning.TITLE_FROM_NAME: "文中没有标题，暂以文件名为标题，请修改",
    UploadWarning.FORMULA: "公式没有收入，请把公式粘贴为图片",
    UploadWarning.OBJECT: "图表或嵌入的对象没有收入，请把它粘贴为图片",
    UploadWarning.TRACKED_CHANGES: "文档里有未处理的修订，已按全部接受处理，请核对",
    UploadWarning.COMMENTS: "文档里的批注没有收入",
    UploadWarning.ACTIVE_CONTENT: "脚本、表单或内嵌网页已去掉",
    UploadWarning.DROPPED_LINK: "指向本地文件的链接已去掉，只保留文字",
}
