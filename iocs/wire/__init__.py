"""Channel Access: the server, and the small client by which IOCs watch each other."""
