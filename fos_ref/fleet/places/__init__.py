"""Where shards lie: a folder of this machine, or one in object storage."""
