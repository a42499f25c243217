"""Labels of real galaxies: tables of votes, classes and attributes, and which galaxies are one."""
