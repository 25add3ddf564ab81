"""What works on shards: processes of this machine, or of a cluster."""
