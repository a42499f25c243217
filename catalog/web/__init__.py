"""The page that `galcat serve` shows in a browser: look at galaxies, compare them, label them."""
