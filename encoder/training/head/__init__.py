"""The head that gives the votes, fitted on a frozen network."""
