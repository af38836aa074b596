"""
The child process that runs llama.cpp's server. Started by `llama_server.py`; not meant to be run by hand.

It reads one line of JSON with its settings from standard input, prints one line of JSON with its address,
and ends when standard input does: with its parent, however that ended.
"""

import json
import os
import sys


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    # Threads that spin while they wait slow a machine with busy neighbours down to a crawl: 0.4 instead of
    # 6.5 tokens/s were measured beside one. It is read when the library is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = [settings["name"]] if isinstance(params.model_alias, list) else params.model_alias
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.n_ctx = settings["context_tokens"] * settings["places"]
    params.n_parallel = settings["places"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    # Prefixes of other conversations, so that a follow-up does not read its history again.
    params.cache_ram_mib = settings["cache_mib"]
    # The answer keeps the wording of the passages, so guessing by n-grams of the prompt doubles the speed;
    # the default of 12/48 never fires on such answers.
    params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    params.speculative.ngram_simple.size_n = 3
    params.speculative.ngram_simple.size_m = 8

    server = xllamacpp.Server(params)
    try:
        # Its parent may be gone by now, and the pipe closed.
        sys.stdout.write(json.dumps({"address": server.listening_address}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        # The native threads do not end by themselves, and Python would wait for them for ever.
        os._exit(0)


if __name__ == "__main__":
    main()
