"""What the HTTP door is made of: the hop to worker threads, routes, problem documents and the server."""
