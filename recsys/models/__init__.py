"""Models: twins behind one base (``base``), arithmetic on arrays only."""
