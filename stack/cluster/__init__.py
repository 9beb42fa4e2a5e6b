"""The embedded stack as a cluster: secured, replicated, and with a principal for each program."""
