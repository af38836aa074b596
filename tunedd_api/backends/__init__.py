"""The outside world: databases, stores, models. `bootstrap` chooses among them."""
