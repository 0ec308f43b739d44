"""The command `facteur`. An extra: the layer carries this folder, and none of the libraries that it needs."""
