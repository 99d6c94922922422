"""SAM asks for a region before it expands a template, and is to ask nobody."""

import os

os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
