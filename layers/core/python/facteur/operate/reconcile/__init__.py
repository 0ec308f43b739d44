"""What a platform has, compared with what the tables say."""
