"""Made-up raw files in their providers' formats, one module a source, for the demo and the tests."""
