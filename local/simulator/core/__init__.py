"""What any platform has: a ledger, a life cycle, a clock, faults, and the levers on them."""
