"""Settings in, working services out. The only place that names concrete classes."""

from tunedd_api.bootstrap.home import HomeInUse, HomeUnusable
from tunedd_api.bootstrap.opening import Opening, keep_open
from tunedd_api.bootstrap.services import Services, open_services
from tunedd_api.library.indexes import Check

__all__ = ["Check", "HomeInUse", "HomeUnusable", "Opening", "Services", "keep_open", "open_services"]
