"""Where tiles are encoded on Ray: the same workflows with workers on several processors, GPUs or machines."""
