"""The front door: what others may import, the command line, and the workflows behind both."""
