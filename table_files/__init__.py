"""Tables in files, in every format that astronomers have them in: one reader for all of galcat."""
