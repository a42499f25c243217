"""From text to a tree that holds nothing but ADQL."""
