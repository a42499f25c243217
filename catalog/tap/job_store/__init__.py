"""Jobs as the database and the disk keep them: galcat_tap.job, and the files of results."""
