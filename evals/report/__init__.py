"""What a run says: one value, shown as a terminal table, Markdown, JSON and a page."""
