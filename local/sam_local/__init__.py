"""All functions and events by the real SAM CLI, in containers: `make test-sam`."""
