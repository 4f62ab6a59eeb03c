"""What comes in from outside: feeds, pages and uploads, read with suspicion.

``encodings`` makes text of bytes · ``parsing`` makes a ``ParsedFeed`` of a feed: ``json_feed`` of JSON; ``xml_text``,
``xml_events`` and ``feed_items`` of everything else · ``sanitising`` lets pass only what an article needs · ``article``
finds the main text of a page where a feed gives only a teaser (``teasers``).
"""
