"""The settings tables that no model owns, one file a table."""
