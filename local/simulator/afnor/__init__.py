"""The wire of AFNOR XP Z12-013: flow service and directory service, 1.2 and 1.3."""
