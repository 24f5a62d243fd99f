"""`python -m kserve_lite` is the `kserve-lite` command."""

import sys

from kserve_lite.cli import main

sys.exit(main())
