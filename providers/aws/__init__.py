"""AWS IAM Identity Center: its directory, and who may use which permission set in which AWS account."""
