"""CSV and TSV: their lines, and which type a column of text has."""
