"""Intake of content from the web and of uploads, all read with suspicion: fetched, parsed, cleaned, then reviewed."""
