"""A drill: something of the demo is broken, and a person repairs it by the runbook. `make drill` runs it."""
