"""Other people's clients, run unchanged on the simulators, in an environment of their own: they are no dependencies of the project."""
