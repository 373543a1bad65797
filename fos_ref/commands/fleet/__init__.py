"""`fos fleet`: many shards, wherever they lie, by many workers."""
