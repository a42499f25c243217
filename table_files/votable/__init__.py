"""A VOTable in a file: its tables, fields and rows."""
