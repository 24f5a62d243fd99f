"""What the charts' templates must pass beside their own unit tests."""
