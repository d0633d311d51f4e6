"""A plan is made true: in order, journalled, verified by reading back."""
