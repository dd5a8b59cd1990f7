"""Instrument definitions, one TOML file each."""
