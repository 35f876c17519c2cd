"""Shards: plain tar files in WebDataset layout, append-only, one writer each."""
