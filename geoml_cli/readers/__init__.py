"""Readers of formats that several sources share; each names file and line in its errors."""
