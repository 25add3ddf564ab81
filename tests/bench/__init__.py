"""Benchmarks: side by side on the same texts, interleaved, one thread; ratios are what counts."""
