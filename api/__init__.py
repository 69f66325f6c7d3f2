"""REST for other systems: urls, views, serializers, errors. No models and no business rules: it calls the services."""
