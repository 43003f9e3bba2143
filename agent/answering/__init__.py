"""From a draft to an answer: what is declined, written again, run, and told of names that are gone."""
