"""What whoever runs a catalogue is told: how it stands, what a night found, alarms."""
