"""What `/ready` says of a dependency, whatever that does when it is asked."""

from structlog.testing import capture_logs

from tunedd_api.errors import StoreUnavailable
from tunedd_api.readiness import _checked


async def there() -> None:
    pass


async def away() -> None:
    raise StoreUnavailable("It is away.")


async def broken() -> None:
    raise KeyError("version")


async def test_a_fault_of_one_check_leaves_the_others_and_is_told() -> None:
    with capture_logs() as logs:
        states = await _checked({"one": there, "two": away, "three": broken})
    assert list(states) == ["one", "two", "three"]
    assert states["one"]["ready"] is True
    assert states["two"]["reason"] == "It is away."
    assert "KeyError" in states["three"]["reason"]
    assert [(log["event"], log["dependency"]) for log in logs] == [("dependency.not_checked", "three")]
