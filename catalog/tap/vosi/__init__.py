"""What the service says of itself: capabilities, tables, examples."""
