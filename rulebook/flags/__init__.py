"""What agents say got in their way, and what became of it."""
