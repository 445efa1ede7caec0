"""The one training loop, and what makes it stop and go on."""
