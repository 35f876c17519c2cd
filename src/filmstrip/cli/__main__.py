"""``python -m filmstrip.cli``."""

from filmstrip.cli.app import main

if __name__ == "__main__":
    main()
