"""Layers that networks of several models share."""
