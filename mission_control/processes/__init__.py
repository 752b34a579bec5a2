"""Work outside the event loop: child processes, threads, bounded programs."""
