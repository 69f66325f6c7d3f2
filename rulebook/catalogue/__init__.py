"""What rules exist: written and unwritten, with every version of what they said and when."""
