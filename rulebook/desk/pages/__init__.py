"""Pages of the admin that are no list and no form of one table."""
