"""`python -m rtwin` is `rtwin`."""

from rtwin.cli import main

if __name__ == "__main__":
    main()
