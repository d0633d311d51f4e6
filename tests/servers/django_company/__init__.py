"""A small Django project with django-scim2, as a company might run it."""
