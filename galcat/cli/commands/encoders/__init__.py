"""Commands for encoders: their use on pictures, their training and measurement, their releases."""
