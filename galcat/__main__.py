"""The command line as `python -m galcat`, where a program such as torchrun wants a module."""

from galcat.cli.main import main

if __name__ == "__main__":
    main()
