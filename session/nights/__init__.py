"""Nights that ship with Slitless, as files for `plans.observe`."""
