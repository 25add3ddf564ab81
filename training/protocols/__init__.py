"""Protocols of quality: fixed splits of the corpora, run through the serving path, peers beside."""
