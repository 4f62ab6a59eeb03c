"""Files in and out: ``kepu import`` and ``kepu export`` for CSV, JSON lines and Parquet.

``reading`` opens a file as batches of arrow columns · ``values`` makes clean columns of them · ``event_rows`` and
``record_rows`` judge the rows · ``event_store`` and the nouns' ``merge`` store them · ``rejects`` writes down the
refused ones · ``importing`` tells the whole story; ``exporting`` is the way back.
"""
