"""Where messages for workers go: addresses that make sense, and those that do not."""

import ssl

import pytest

from tests.servers.finding import free_port
from tunedd_api.backends.celery_jobs import CeleryJobs, JobsUnavailable, celery_app, place_of
from tunedd_api.backends.jobs import UnknownJobs, open_jobs


@pytest.mark.parametrize(
    "url",
    [
        "redis://host:abc/0",
        "redis://host/abc",
        "redis://host/0?nosuch=1",
        "redis://host/0?ssl_cert_reqs=none",
        "redis:///0",
        "redis://:sec#ret@host/0",
        "redis://[::1/0",
        "amqp://host",
        "http://host",
    ],
)
async def test_an_address_that_makes_no_sense_names_the_setting(url: str) -> None:
    with pytest.raises(UnknownJobs, match="TUNEDD_JOBS_URL") as told:
        async with open_jobs(url):
            pass
    assert "sec" not in str(told.value)


def test_a_place_has_no_password() -> None:
    assert place_of("redis://:secret@host") == "host:6379"
    assert place_of("rediss://user:secret@host:6380/1?ssl_ca_certs=/ca.pem") == "host:6380"


def test_over_tls_the_server_has_to_prove_who_it_is() -> None:
    with celery_app("rediss://host/0").connection_for_write() as connection:
        assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    with celery_app("rediss://host/0?ssl_cert_reqs=none").connection_for_write() as connection:
        assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_NONE}


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    port = free_port()
    jobs = CeleryJobs(celery_app(f"redis://:secret@127.0.0.1:{port}/0"), f"127.0.0.1:{port}")
    with pytest.raises(JobsUnavailable, match=f"Redis at 127.0.0.1:{port}") as told:
        await jobs.check()
    assert "secret" not in str(told.value)
