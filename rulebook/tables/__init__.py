"""Reading and writing tables that people bring: CSV, TSV, JSON, NDJSON and XLSX. No ORM, no Django."""
