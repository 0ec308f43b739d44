"""Whether an installation works: what is examined, and how it is judged."""
