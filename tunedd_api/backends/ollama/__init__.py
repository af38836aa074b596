"""Models on an Ollama server, for embedding and for answering."""
