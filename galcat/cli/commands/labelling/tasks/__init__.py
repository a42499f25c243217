"""The commands of `galcat tasks`: the tasks themselves, and what people answer."""
