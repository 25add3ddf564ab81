"""The benchmark: side by side on the same texts, in turns, one thread; ratios are what counts."""
