"""`tunedd serve`: runs the service."""

import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import anyio
import typer
import uvicorn

from tunedd_api.backends.allocator import share_memory_between_threads
from tunedd_api.cli.terminal import say
from tunedd_api.cli.weights import pull_missing
from tunedd_api.errors import SetupError
from tunedd_api.logs import set_up_logs
from tunedd_api.settings import Settings

if TYPE_CHECKING:
    from tunedd_api.bootstrap import Opening

LOCAL = "local:"
GRACE = 5
"""Seconds that connections have to end after Ctrl-C."""
BACKLOG = 256
"""Connections that may wait to be accepted. Not many more: where no file can be opened any more, the event
loop tells of each of them, every second."""
OPEN_FILES = 65_536
"""Files and connections that may be open at the same time, where the machine lets us."""


class AddressTaken(SetupError):
    """The address is taken by another program."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 for any free one.")] = None,
) -> None:
    """Runs the service. Ctrl-C ends it."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    share_memory_between_threads()
    _allow_many_files()
    settings = Settings(**given)  # type: ignore[arg-type]  # checked by pydantic
    set_up_logs(settings.log_level, as_json=settings.log_json)
    # Taken before anything slow happens, so that a port in use is said at once.
    listening = _listen(settings.host, settings.port)
    anyio.run(pull_missing, settings)
    anyio.run(_serve, settings, listening)


async def _serve(settings: Settings, listening: socket.socket) -> None:
    # Imported here, as in all commands: pipelines and web framework take seconds that `--help` need not wait.
    from tunedd_api.app import create_app
    from tunedd_api.bootstrap import keep_open

    async with keep_open(settings, works=settings.jobs_url == LOCAL) as opening:
        config = uvicorn.Config(
            create_app(settings, opening),
            log_config=None,
            timeout_graceful_shutdown=GRACE,
            lifespan="on",
            backlog=BACKLOG,
        )
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        say(f"Tunedd listens on http://{host}:{listening.getsockname()[1]} (Ctrl-C ends it)")
        await _Server(config, opening).serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends answers before connections. Being asked to end is no failure: the signal is not raised again."""

    def __init__(self, config: uvicorn.Config, opening: "Opening") -> None:
        super().__init__(config)
        self._opening = opening

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if services := self._opening.services:
            await services.chat.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield


def _allow_many_files() -> None:
    """Many machines start a program with 1,024, which is as many as followers of answers may be."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    # Some systems name a higher limit than they allow.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its number asyncio knows TCP and sends small answers at once; without, each waits some 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # From here on clients wait instead of being refused.
        listening.listen(BACKLOG)
    except socket.gaierror as error:
        raise AddressTaken(f"There is no address {host!r} on this machine. Choose another --host.") from error
    except OSError as error:
        raise AddressTaken(
            f"Cannot listen on {host}:{port} ({error.strerror}). Is Tunedd running there already? "
            "If not, choose another --port."
        ) from error
    return listening
