"""Models behind servers that speak the API of OpenAI."""
