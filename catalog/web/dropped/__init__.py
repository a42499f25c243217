"""Files that somebody drops on the page: a picture to search by, a list of positions to look at."""
