"""The rankings that retrieval fuses, and what moves places up or down in them."""
