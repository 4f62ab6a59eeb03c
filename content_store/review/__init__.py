"""Review and publishing (三审三校): from what somebody wrote to what everybody may read, and back.

1. **Words.** ``versions``: each saved wording of a content is a row that never changes. Saving tells what it was based
   on; who comes second is told, and keeps their text. Each wording is looked through for the words of the list
   (``terms``) and held back where it has one (``quarantining``).
2. **Review.** ``submitting`` opens the review of the newest version on a route (``routes``), unless its words are those
   of another content (``admitting``); ``queue`` hands out its steps, ``deciding`` takes the verdicts, ``comments`` what
   people say to each other, ``diff`` what differs.
3. **Out.** ``publishing`` shows the words of a version that passed, now or at its time. ``correcting`` replaces
   published words and tells those who read them; ``withdrawing`` takes a content back and leaves a tombstone.

What must never happen is refused by the database itself (``migrations/guards_0012.py``), whichever road a statement
comes by; the modules here ask first, to say it in better words. Each act asks whether its ``Actor`` may do it in the
organisation whose content it is (``permits``), and is told to the audit log (``trail``).
"""
