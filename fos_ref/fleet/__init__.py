"""Hundreds of shards: a plan, tasks that any engine may run, and records that prove what is done."""
