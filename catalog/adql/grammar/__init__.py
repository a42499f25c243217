"""The grammar: from the text of a query to a tree that holds nothing but ADQL."""
