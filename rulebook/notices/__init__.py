"""What the front line is told before a rule changes, and who has read it."""
