"""The catalogues of what readers read: `./run languages` brings them up to date, and tests hold them complete."""
