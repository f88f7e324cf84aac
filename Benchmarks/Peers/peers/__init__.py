"""Lockstep beside the libraries that a user could take instead: the same work, the same data, in one run."""
