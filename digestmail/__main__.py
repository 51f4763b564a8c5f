"""`python -m digestmail` is the command `digestmail`."""

from digestmail.cli import app

if __name__ == "__main__":
    app()
