"""The partitions of the sky: HEALPix cells, added as tiles arrive in them."""

import dagster as dg

sky_cells = dg.DynamicPartitionsDefinition(name="sky_cells")
