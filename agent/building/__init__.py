"""The parts of a build: its work piece by piece, its lease, its manifest, and its validation."""
