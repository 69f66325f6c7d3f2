"""The project package and the home of its small apps."""
