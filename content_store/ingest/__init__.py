"""How content comes in from elsewhere: fetched, read, cleaned, compared with what is there."""
