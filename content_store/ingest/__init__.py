"""Intake of content from the web: fetched, parsed, cleaned, and handed to review."""
