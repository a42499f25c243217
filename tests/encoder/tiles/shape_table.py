"""The table of a survey made for tests: ids, positions and shape_r in CSV, one beside each image."""

CATALOGUE = """[catalogue]
path = "{tile}.csv"
id = "id"
ra = "ra"
dec = "dec"
shape_r = "shape_r"
"""
