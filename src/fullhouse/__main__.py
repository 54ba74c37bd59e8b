"""``python -m fullhouse``."""

from fullhouse.cli import main

if __name__ == "__main__":
    main()
