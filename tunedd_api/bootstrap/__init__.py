"""Settings in, working services out. The only place that names concrete classes."""

from tunedd_api.bootstrap.home import HomeInUse, HomeUnusable
from tunedd_api.bootstrap.services import Services, open_services

__all__ = ["HomeInUse", "HomeUnusable", "Services", "open_services"]
