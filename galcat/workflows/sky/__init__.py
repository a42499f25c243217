"""The sky as the survey's own files show it: cutouts, large pictures, a HiPS and its viewer."""
