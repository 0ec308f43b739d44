"""A drill: something of the demo is broken, and a person mends it by the runbook. `make drill` runs it."""
