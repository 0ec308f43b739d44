"""What operations answer, as values."""
