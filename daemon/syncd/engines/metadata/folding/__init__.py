"""Many tables that are one: dated shards folded into families, and unfolded again."""
