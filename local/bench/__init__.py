"""How fast, how quiet: each figure of a run beside the floor or the rival measured in the same run."""
