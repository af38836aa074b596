"""Answers questions about a library of scientific papers and shows where each answer comes from."""

import os
from importlib.metadata import version

# Haystack reads these when it is first imported, so they stand before anything else of this package. It would
# report its use to its makers, and set up logging a second time.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["HAYSTACK_LOGGING_IGNORE_STRUCTLOG"] = "true"

__version__ = version("tunedd-api")
