"""Everything with a URL, and the command line."""
