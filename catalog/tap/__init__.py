"""The service: TAP 1.1, cone search, DataLink and cutouts over HTTP."""
