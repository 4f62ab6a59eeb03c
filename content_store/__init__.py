"""What everything else stands on: words, settings, the clock, records, hot state. Imports none of our others."""
