"""The server: sockets, processes, the five doors."""
