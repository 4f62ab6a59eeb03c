"""Every limit of uploads in one place, each checked before what it bounds is done.

They are chosen so that a document takes at most some 350 MB and a few seconds, and so that nothing which the usual
programmes write comes near them; docs/benchmarks/uploads.md tells the measured figures.
"""

from __future__ import annotations

import threading

MIB = 1 << 20

DOCUMENT_BYTES = 20 * MIB
"""Of a document as uploaded."""
HTML_CHARACTERS = 1_000_000
"""Of an HTML document without the pictures in it; what cleans it looks at no more."""
HTML_TAGS = 30_000
"""Of what a document comes to; what cleans it keeps no more."""
MARKDOWN_CHARACTERS = 300_000
"""Of a Markdown document without the pictures in it."""
NAME_CHARACTERS = 200
"""Of a file's name; the rest is cut off."""

PACKAGE_ENTRIES = 1_000
PACKAGE_DIRECTORY_BYTES = 512 * 1024
"""Of the list of entries at the end of a ZIP file."""
PACKAGE_BYTES = 64 * MIB
"""Of all entries unpacked."""
PACKAGE_RATIO = 200
"""Unpacked ÷ packed of an entry. Markup of Word comes to 10 to 40, a bomb to 1,000."""
PACKAGE_RATIO_FROM = MIB
"""Bytes up to which an entry may be packed as tightly as it likes."""

XML_BYTES = 16 * MIB
"""Of all parts of a document that are looked into."""
XML_DEPTH = 120
XML_ELEMENTS = 120_000
"""Elements and attributes of all parts. A page of Word has about 300."""

PICTURE_BYTES = 20 * MIB
JPEG_PIXELS = 50_000_000
"""Photographs of telephones; they are decoded at a fraction of their size."""
PICTURE_PIXELS = 25_000_000
"""Of all other kinds."""
PICTURE_SIDE = 30_000
JPEG_SCANS = 64
"""Passes of a progressive JPEG, each of which goes over the whole picture. Usual are 10."""
PNG_CHUNKS = 20_000
GIF_BLOCKS = 120_000
DOCUMENT_PICTURES = 60
"""Different pictures of a document."""
DOCUMENT_PIXELS = 200_000_000
"""Of all pictures of a document together."""

heavy = threading.Lock()
"""Held by whoever decodes a large picture or reads a Word document: one at a time in a process, for the memory's sake."""
LARGE_PIXELS = 6_000_000
