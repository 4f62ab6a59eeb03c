"""What `kepu demo` shows: original articles, and simulated citizens who read them."""
