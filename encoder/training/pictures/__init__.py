"""Pictures to train on: of files, framed, simulated, and varied anew in every epoch."""
