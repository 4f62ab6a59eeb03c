"""Sending: whom, what, when, and what became of it. Its rooms come with the first channel."""
