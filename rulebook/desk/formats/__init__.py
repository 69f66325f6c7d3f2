"""How dates and times are written, by language. Numbers keep to Django's own formats."""
