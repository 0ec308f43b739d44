"""A trial on a company's own database: its table, the simulator in the platform's place, and all put back at the end."""
