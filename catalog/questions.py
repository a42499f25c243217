"""The questions that the encoder answers of every galaxy, and their columns in `galcat.galaxy`."""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "smooth_or_featured": ("smooth", "featured_or_disk", "artifact"),
    "disk_edge_on": ("yes", "no"),
    "has_spiral_arms": ("yes", "no"),
    "bar": ("strong", "weak", "no"),
    "bulge_size": ("dominant", "large", "moderate", "small", "none"),
    "how_rounded": ("round", "in_between", "cigar_shaped"),
    "edge_on_bulge": ("boxy", "none", "rounded"),
    "spiral_winding": ("tight", "medium", "loose"),
    "spiral_arm_count": ("1", "2", "3", "4", "more_than_4", "cant_tell"),
    "merging": ("none", "minor_disturbance", "major_disturbance", "merger"),
}
FRACTIONS = tuple(f"{q}_{answer}_fraction" for q, answers in QUESTIONS.items() for answer in answers)
CONCENTRATIONS = tuple(f"{q}_concentration" for q in QUESTIONS)
PROPORTIONS_ASKED = tuple(f"{q}_proportion_asked" for q in QUESTIONS)
