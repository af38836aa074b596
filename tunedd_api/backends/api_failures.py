"""What an error of OpenAI's client means, or of Anthropic's, which is built alike."""

from types import ModuleType

import httpx2

from tunedd_api.backends.asking import BrokenOff, Part, Silent, comes_back

BROKE_OFF = httpx2.NetworkError | httpx2.RemoteProtocolError
"""What comes through both clients as it is, once an answer has begun."""


def comes_back_after(error: BaseException, sdk: ModuleType) -> bool:
    """Whether asking again makes sense. `sdk` is `openai` or `anthropic`."""
    if isinstance(error, sdk.APITimeoutError):
        return False
    if isinstance(error, sdk.APIStatusError):
        return comes_back(error.status_code)
    return isinstance(error, sdk.APIConnectionError | BROKE_OFF)


def explain(error: BaseException, part: Part, sdk: ModuleType, key: str) -> str:
    """One sentence, with what to do. `key` is the setting of the key."""
    match error:
        case Silent() | BrokenOff():
            return str(error)
        case sdk.APITimeoutError() | TimeoutError():
            return f"{part} did not answer in time."
        case sdk.AuthenticationError() | sdk.PermissionDeniedError():
            return f"{part} wants a key that is good for it: set {key}."
        case sdk.NotFoundError():
            return f"Its server has no model {part.name!r}: set {part.setting} to one that it has."
        case sdk.APIStatusError():
            return f"{part} refused ({error.status_code}): {error.message}"
        case sdk.APIConnectionError():
            return f"The server of the {part.what} {part.name} cannot be reached: see {part.setting}."
        case sdk.APIError():
            return f"{part} broke off: {error.message}"
        case _ if isinstance(error, BROKE_OFF):
            return f"{part} broke off while it was at work. Ask again."
        case ValueError() | AttributeError() | TypeError():
            return f"What answers for {part.name} is broken, or is no model server: see {part.setting}."
        case _:
            return f"{part} failed: {error or type(error).__name__}"
