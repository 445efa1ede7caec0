"""Groundwater storage anomalies: tables of cells and years, or the products they are made from."""
