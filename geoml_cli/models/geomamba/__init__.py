"""Geo-Mamba: selective state spaces over geo-factors, decoded by KAN layers."""
