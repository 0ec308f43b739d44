"""Installing on an existing database: what was found there, the mapping that fits, and the plan. Pure, but for the stores."""
