"""Readers of one file format each, shared by the sources."""
