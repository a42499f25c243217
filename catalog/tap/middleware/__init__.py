"""What every request passes: its body and files, compression, cross-origin rules, its client's address."""
