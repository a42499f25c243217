"""Zoobot's encoders as releases."""
