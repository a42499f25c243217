"""The command line under the name that it had: `python -m dagster_jobs.cli` names the new one and goes on."""

import sys

from galcat.cli.main import main

if __name__ == "__main__":
    sys.stderr.write("warning: python -m dagster_jobs.cli will go: call python -m galcat\n")
    main()
