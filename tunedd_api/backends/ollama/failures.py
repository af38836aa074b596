"""What an error of an Ollama server means, and whether asking again makes sense."""

import httpx
from ollama import ResponseError

from tunedd_api.backends.asking import BrokenOff, Part, Silent, StillComing, broke_off, comes_back

TOO_LONG = "exceeds the context length"
NO_SUCH_MODEL = "not found"


def comes_back_after(error: BaseException) -> bool:
    if isinstance(error, ResponseError):
        return comes_back(error.status_code)
    return broke_off(error)


def is_too_long(error: BaseException) -> bool:
    return isinstance(error, ResponseError) and TOO_LONG in error.error


def is_missing(error: BaseException) -> bool:
    return isinstance(error, ResponseError) and error.status_code == 404 and NO_SUCH_MODEL in error.error


def explain(error: BaseException, part: Part, url: str) -> str:
    """One sentence, with what to do."""
    match error:
        case Silent() | BrokenOff():
            return str(error)
        case StillComing():
            return f"{part} is not there yet: {error}."
        case ResponseError() if is_missing(error):
            return (
                f"Ollama at {url} has no model {part.name!r}. Run: ollama pull {part.name} - or set "
                "TUNEDD_OLLAMA_PULL=true, which does it at the start."
            )
        case ResponseError(status_code=401 | 403):
            return f"Ollama at {url} refuses access to {part.name} ({error.error}): see {part.setting}."
        case ResponseError(status_code=404):
            return f"There is no Ollama at {url}: set the address in {part.setting}."
        case ResponseError(status_code=-1):
            return f"{part} broke off: Ollama says {error.error!r}."
        case ResponseError():
            return f"{part} failed: Ollama at {url} answers {error.status_code}, {error.error!r}."
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return f"Ollama at {url} cannot be reached: start it, or set its address in {part.setting}."
        case httpx.TimeoutException() | TimeoutError():
            return f"{part} did not answer in time: Ollama at {url} is silent, or at other work."
        case httpx.TransportError():
            return f"Ollama at {url} broke off while {part.name} was at work. Ask again."
        case ConnectionError():
            return f"Ollama at {url} cannot be reached: start it, or set its address in {part.setting}."
        case TypeError():
            # What its client makes of a stream that ends before its end.
            return f"Ollama at {url} broke off in the middle of an answer. Ask again."
        case ValueError() | AttributeError():
            return f"What answers at {url} is not Ollama, or is broken: see {part.setting}."
        case _:
            return f"{part} failed: {error or type(error).__name__}"
