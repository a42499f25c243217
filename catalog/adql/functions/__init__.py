"""What a query may call."""
