"""Being asked to end, in the middle of whatever is going on: soon, cleanly, and the next start goes on."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.invariants import violations
from tests.faults.life import alive
from tests.pdfs import column, write_pdf
from tests.serving import WITHIN, Service, serving, wait_for

LINE = "Many words of a long paper are read here, one line after the other, until all are read."


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one paper that takes some seconds to read and to index."""
    folder = tmp_path_factory.mktemp("papers")
    page = column([f"{LINE} {row}" for row in range(50)])
    write_pdf(folder / "long.pdf", [page] * 120)
    return folder


@contextmanager
def service_at(home: Path, papers: Path) -> Iterator[Service]:
    settings = {"TUNEDD_EMBEDDING_MODEL": "mock:", "TUNEDD_CHAT_MODEL": "echo:"}
    with serving(home, papers, home.with_name("models"), **settings) as service:
        yield service


def the_document(service: Service) -> dict[str, Any]:
    found = service.client.get("/documents").json()
    return dict(found[0]) if found else {"status": None}


@pytest.mark.parametrize(("status", "number"), [("reading", signal.SIGTERM), ("embedding", signal.SIGINT)])
def test_it_ends_cleanly_in_the_middle_of_indexing_and_finishes_it_later(
    tmp_path: Path, papers: Path, status: str, number: signal.Signals
) -> None:
    home = tmp_path / "home"
    with service_at(home, papers) as service:
        wait_for(lambda: the_document(service)["status"] == status, f"the paper to be {status}", service.log)
        children = service.children()
        service.process.send_signal(number)
        assert service.process.wait(WITHIN) == 0
        assert "Traceback" not in service.log.read_text("utf-8")
        assert not any(map(alive, children))
        assert violations(home, settled=False) == []
    with service_at(home, papers) as service:
        assert service.get_ready()["documents"] == {"ready": 1}
        assert violations(home, settled=True) == []


def test_it_ends_cleanly_in_the_middle_of_an_upload(tmp_path: Path, papers: Path) -> None:
    home = tmp_path / "home"
    with service_at(home, papers) as service:
        service.get_ready()
        client = service.client.base_url
        with socket.create_connection((client.host, client.port or 0)) as connection:
            head = (
                f"POST /documents HTTP/1.1\r\nHost: {client.host}\r\nContent-Length: 5000000\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
                '--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7'
            )
            connection.sendall(head.encode() + bytes(2_000_000))
            wait_for(lambda: service.client.get("/health"), "an answer", service.log)
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(WITHIN) == 0
        assert violations(home, settled=True) == []
