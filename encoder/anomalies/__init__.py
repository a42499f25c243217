"""How strange a galaxy is, to anybody and to one person."""
