"""`python -m isomorph` is `isomorph`."""

from isomorph.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
