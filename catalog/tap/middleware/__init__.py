"""What every request passes: the files of forms, compression, cross-origin rules, the client's address."""
