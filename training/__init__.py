"""Learns: from labelled articles and corrections to a measured model that the service can load."""
