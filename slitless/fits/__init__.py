"""The FITS file: keyword table, layout, writer and verification."""
