"""Runs that come from and go to other clones: what arrives is checked, then merged."""
