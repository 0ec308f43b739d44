"""What a person may ask of an installation: each operation one function, JSON in and out, here or in the deployed stack."""
