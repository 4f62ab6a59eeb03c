"""审核工作台: the pages for editors. The queue (``queue``) leads to reviews (``case``, ``deciding``), the contents
(``search``) to one of them (``content``, ``acts``), to its words (``wording``), its versions (``versions``) and what
its sources said (``originals``); beside them are what waits to be published (``ready``) and the term list (``terms``).

Who may ask for what is told by the pages; whether a person may do an act is asked by ``content_store.review`` again.
"""

from __future__ import annotations

from web.editor import (
    acts,
    case,
    content,
    deciding,
    originals,
    queue,
    ready,
    search,
    suggestion,
    terms,
    versions,
    wording,
)

PAGES = (
    *(*queue.PAGES, *ready.PAGES, *terms.PAGES, *case.PAGES, *deciding.PAGES),
    *(*search.PAGES, *content.PAGES, *acts.PAGES, *wording.PAGES, *versions.PAGES, *suggestion.PAGES),
    *originals.PAGES,
)
"""Address, method, handler and needs of every page."""
