"""Cases of ksql/ and spark/rules.yaml, records in and rows out; `render.py test` runs them."""
