#!/usr/bin/env python
"""Django's command line."""

import sys

from config import command_line, environment

if __name__ == "__main__":
    environment.prepare()
    command_line.run(sys.argv)
