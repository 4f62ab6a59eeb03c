"""Intake of content from the web and of uploads, read with suspicion: fetched, parsed, cleaned, and handed to review."""
