"""What is true: values, and decisions about them. Pure: imports nothing of ours but errors."""
