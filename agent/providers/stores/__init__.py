"""Vector stores, one module each; all obey the same contract (`tests/providers/stores/test_contract.py`)."""
