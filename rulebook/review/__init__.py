"""From "marked for removal" to an outcome that holds."""
