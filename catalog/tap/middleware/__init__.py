"""What every request passes: forms, compression, origin, the client's address."""
