"""Where the companies' documents lie, and what they say of themselves."""
