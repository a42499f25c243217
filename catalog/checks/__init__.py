"""Whether a catalogue is whole, and what mends it."""
