"""The page of one galaxy: its picture, its place, its votes, and what looks like it."""
