"""`python -m geoml_cli`, for places where the command is not on the path."""

from geoml_cli.cli.start import main

if __name__ == "__main__":
    main()
