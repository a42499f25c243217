"""The network, its weights file, and all that makes a picture a vector."""
