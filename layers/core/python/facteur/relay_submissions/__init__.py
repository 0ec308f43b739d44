"""Turns notes of changed rows into submissions, and puts what is due on the queue."""
