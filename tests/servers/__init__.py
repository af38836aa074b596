"""Real servers for tests: found, started for the length of a test run, or missed with a reason."""
