"""Works and pictures that people upload, read with suspicion.

``documents`` makes sanitised HTML of Markdown, HTML and Word documents: ``kinds`` tells by their content what they are,
``package`` opens what Word writes, ``xml_parts`` looks through the XML in it, ``word`` reads it, ``settling`` says what
becomes of pictures and links · ``pictures`` encodes pictures anew: ``picture_headers`` looks at them before anything is
decoded · ``bounds`` tells all limits · ``store`` keeps originals and pictures.
"""
