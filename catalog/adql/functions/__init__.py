"""The functions of ADQL: what each takes, and the SQL that it becomes."""
