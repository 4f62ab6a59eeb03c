"""The jobs, as twins: each module makes one ``Job`` from the settings; ``table`` lists them all."""
