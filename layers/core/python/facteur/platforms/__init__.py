"""The only modules that talk to platforms: what the wire needs, and a package for each platform."""
