"""``python -m experiments`` is ``flowpath`` without the set-up."""

import sys

from experiments.cli import main

sys.exit(main())
