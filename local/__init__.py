"""What runs on a developer's machine and never ships: simulator, demo, local stack."""
