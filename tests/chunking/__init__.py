"""The chunker."""
