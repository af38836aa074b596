"""Answers questions about a library of scientific papers and shows where each answer comes from."""

import os
from importlib.metadata import version

# These are read when the libraries are first imported, so they stand before anything else of this package.
# Haystack would report its use to its makers, and set up logging a second time; onnxruntime would write a
# session id into the temporary folder and call its makers' servers; Prometheus' client would tell of each
# number when it was first counted, which doubles what is sent.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["HAYSTACK_LOGGING_IGNORE_STRUCTLOG"] = "true"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["PROMETHEUS_DISABLE_CREATED_SERIES"] = "true"

__version__ = version("tunedd-api")
