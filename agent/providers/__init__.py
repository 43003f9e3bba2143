"""Settings -> LlamaIndex parts: embedding models, LLMs, vector stores; and the weights that they need."""
