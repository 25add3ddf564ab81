"""Protocols of quality: fixed splits of the corpora, run through the serving path, peers beside.

Each is a module here whose `run(folder of the corpora, progress)` returns its section, or several; `__main__` lists and
runs them.
"""
