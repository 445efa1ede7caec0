"""TOML and overrides to typed settings, and back."""
