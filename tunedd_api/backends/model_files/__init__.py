"""The models' files: known ones, fetching, checking, preparing."""
