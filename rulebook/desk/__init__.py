"""Where it all meets: the admin, the demo, and the commands that need more than one package."""
