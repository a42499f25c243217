"""What the service says of itself (VOSI, DALI): capabilities, availability, tables, examples."""
