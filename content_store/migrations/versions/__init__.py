"""The steps. A file is never changed once released; the next change is the next file."""
