"""The commands of `tunedd`."""
