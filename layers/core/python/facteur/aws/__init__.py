"""What Facteur uses of AWS: the only package that knows boto3."""
