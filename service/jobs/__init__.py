"""Bulk retagging: a plan, shards, an engine that works on them, and results that are put in place or taken back."""
