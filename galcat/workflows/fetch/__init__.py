"""From positions to pixels: which tiles of a survey hold them, and their files copied from its servers."""
