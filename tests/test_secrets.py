"""Secrets: by name, by look, in addresses; and planted keys, looked for in every byte that the command leaves."""

from __future__ import annotations

import base64
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty_server import FaultyServer, error, says

from bench.config import compose as conf
from bench.errors import BenchError
from bench.runs.folder import RunFolder
from bench.runs.settings import Settings
from bench.text import secret_urls, secrets
from bench.text.secret_looks import without_random
from bench.text.secret_names import is_secret
from bench.types import Prediction

Main = Callable[..., tuple[int, list[str], list[str]]]
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAplantedplanted\n-----END RSA PRIVATE KEY-----"
KNOWN = [
    "sk-proj-abc123def456ghi789", "sk-abcdefghijklmnopqrstuvwx", "hf_abcdefghijklmnopqrst", "ghp_abcdefghijklmnop1234",
    "github_pat_11ABCDEFG0abcdefgh", "glpat-abcdefgh12345678", "xoxb-1234-abcdefgh", "AKIAABCDEFGHIJKLMNOP",
    "AIzaSyA1234567890abcdefghijklmnop", JWT, PEM, "gsk_abcdefghijklmnop1234", "SG.abcdefghijkl.mnopqrst",
    "kJ8s0Qz3LmN7bV2xC5tR9wYp",
]  # fmt: skip
ORDINARY = [
    "9f2c" * 16, "0a" * 20, "550e8400-e29b-41d4-a716-446655440000", "Qwen2.5-0.5B-Instruct-GPTQ-Int4",
    "SmolLM2-135M-Instruct-AWQ-INT4",
    "wav2vec2-large-xlsr-53-english-emotion", "bench.models.endpoint.Endpoint", "layoutlm_docqa_invoices_v1_2021",
    "hub:owner/name@main",
    "/home/ann/kJ8s0Qz3LmN7bV2xC5tR9wYp/x.gguf", "pypi:a-b==1.2.3#c/d.bin", "sk-learn-based-classifier", "Bearer bonds were sold",
    "key: value", "KeyError: 'label'", "model.thinking_tokens=-5 must not be negative", "put the key into OPENAI_API_KEY",
    "12 prompt_tokens: 40", "KEY=VALUE", "http://127.0.0.1:8000/v1", "https://huggingface.co/a/b/resolve/" + "0a" * 20 + "/x.json",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_given", set())


@pytest.mark.parametrize(
    "name",
    """api_key apiKey API-KEY x-api-key Ocp-Apim-Subscription-Key openai_key access_key_secret secret client_secret password PASSWD
    db.pwd
    passphrase authorization Proxy-Authorization credential aws_credentials Cookie set_cookie bearer token access-token
    hf_token headers
    private_key auth jwt sessionToken""".split(),
)
def test_what_is_called_a_secret_is_withheld_at_any_depth_and_whatever_it_holds(name: str) -> None:
    for value in ("planted", 12345, ["planted"], {"any": ["planted"]}):
        shown = json.dumps(secrets.withheld({"a": [{"b": {name: value}}]}))
        assert "planted" not in shown
        assert "12345" not in shown
        assert secrets.WITHHELD in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_new_tokens", 5), ("prompt_tokens", 12.0), ("batch_tokens", 7), ("tokenizer", "bpe-32000"), ("max_tokens_key",
        "max_tokens"),
        ("key_env", "OPENAI_API_KEY"), ("pad_token", "<|pad_0001|>"), ("eos_token", "</s>"), ("sort_key", "score"),
        ("api_key", None),
        ("use_auth", False), ("token_type", "bpe"), ("author", "Ann 123456"), ("monkey", "abc1234"), ("keyword", "abc1234"),
        ("password_file", None), ("api_key", ""),
    ],
)  # fmt: skip
def test_settings_with_such_words_in_their_names_stay(name: str, value: Any) -> None:
    assert not is_secret(name, value)
    assert secrets.withheld({name: value}) == {name: value}


def test_two_settings_that_differ_do_not_look_alike() -> None:
    found = [secrets.withheld({"label_key": one, "key": one}) for one in ("question", "answer")]
    assert found[0] != found[1]
    assert secrets.withheld({"key": "k9fj3hd"}) == {"key": "withheld"}


@pytest.mark.parametrize("secret", KNOWN)
def test_what_looks_like_a_key_is_withheld_under_any_name_and_within_any_text(secret: str) -> None:
    for text in (secret, f"say {secret} now", f"--flag={secret}"):
        assert secret[4:] not in json.dumps(secrets.withheld({"note": [text]}))
    assert secret[4:] not in secrets.clean(f"401: Incorrect key Bearer {secret}; try again")


@pytest.mark.parametrize("text", ORDINARY)
def test_digests_names_paths_and_plain_words_stay(text: str) -> None:
    assert without_random(secrets.clean(text)) == text


def test_flags_pairs_and_json_inside_a_text_are_seen_through() -> None:
    given = {"command": ["--api-key", "planted", "-v", "1"], "pairs": [{"name": "Authorization", "value": "planted"}],
             "text": '{"api_key": "planted two", "x": 1}', "said": "Authorization: planted"}  # fmt: skip
    shown = secrets.withheld(given)
    assert "planted" not in json.dumps(shown)
    assert shown["command"][2:] == ["-v", "1"]


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://ann:pw@host/v1", "a user or password"), ("https://ann@host/v1", "a user or password"),
        ("https://ann:p@w/rd@host:1/v1", "a user or password"), ("https://ann:p/w@host/v1", "what cannot be read"),
        ("postgresql://ann:pw@db/ml", "a user or password"), ("https://host/v1?api_key=abc", "a key among its parameters"),
        ("https://host/x?X-Amz-Signature=abc", "a key among its parameters"), ("https://host/x#access_token=abc", "a key among"),
        ("https://host/v1/sk-abcdefghijklmnopqrstuvwx/chat", "what looks like a key in its path"),
        ("https://host/kJ8s0Qz3LmN7bV2xC5tR9wYp/v1", "what looks like a key in its path"),
        *((f"https://host/{name}/hunter/v1", "what looks like a key in its path")
          for name in ("key", "token", "api_key", "api-key", "apikey", "secret", "auth", "access_token", "v1/KEY", "a/%6Bey")),
        ("https://host/key=hunter/v1", "what looks like a key"), ("https://host/token:hunter", "what looks like a key"),
        ("https://host/auth/realms/x", ""), ("https://host/token/v1/chat", ""), ("https://host/owner/auth/archive/main.zip", ""),
        ("https://host/keyboards/qwerty", ""), ("https://host/v1/tokens", ""), ("https://host/monkey/tail", ""),
        ("http://ann:12/x@host:80", "a user or password"), ("http://ann:12?x@lab.example/v1", "a user or password"),
        ("https://host:80/pkg@1.2/x", ""), ("https://host/ann@lab.example", ""), ("http://127.0.0.1:8000/v1", ""),
        ("https://host/v1?page=2", ""), ("sqlite:////home/ann/kJ8s0Qz3LmN7bV2xC5tR9wYp.db", ""),
    ],
)  # fmt: skip
def test_an_address_that_holds_a_secret_is_told_from_one_that_does_not(url: str, what: str) -> None:
    found = secret_urls.problem(url)
    assert found.startswith(what)
    assert bool(found) == bool(what)
    assert (secret_urls.public_url(url) == url) is not bool(what)
    assert secret_urls.problem(secret_urls.public_url(url)) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "where", "instead"),
    [
        (["model=endpoint", "model.base_url=https://host/v1/PLANT/x"], "model.base_url at host", "model.key_env"),
        (["model=endpoint", "model.base_url=https://ann:PLANT@host/v1"], "model.base_url", "model.key_env"),
        (["model=endpoint", "model.base_url='https://host/v1?k=PLANT'"], "model.base_url at host", "model.key_env"),
        (["model=smollm2", "model.source='hub:owner/PLANT@main'"], "model.source", "HF_TOKEN"),
        (["model=smollm2", "model.source='https://host/x?token=PLANT'"], "model.source at host", "HF_TOKEN"),
        (["task=squad_v1", "task.data.remote='https://ann:PLANT@host/x.json'"], "task.data.remote", "HF_TOKEN"),
        (["task=squad_v1", "data.path='https://host/x?sig=PLANT'"], "task.data.path at host", "its path"),
        (["tracking.uri='https://ann:PLANT@host/'"], "tracking.uri", "MLFLOW_TRACKING_URI"),
        (["model=endpoint", "model.extra={callback: 'https://ann:PLANT@host/'}"], "model.extra.callback", "model.key_env"),
    ],
)  # fmt: skip
def test_a_secret_in_an_address_is_refused_in_one_line_that_does_not_show_it(
    overrides: list[str], where: str, instead: str
) -> None:
    key = "sk-plantedplanted0123456789"
    with pytest.raises(BenchError) as caught:
        conf.compose([word.replace("PLANT", key) for word in overrides])
    line = str(caught.value)
    assert (line.startswith(where), instead in line, "planted" in line, "\n" in line) == (True, True, False, False)


@pytest.mark.slow
def test_an_address_in_the_environment_is_taken_and_recorded_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://ann:hunter2@db/ml")
    config = conf.plain(conf.compose([])[0])
    assert config["tracking"]["uri"] == "postgresql://ann:hunter2@db/ml"
    assert Settings(config=config).config["tracking"]["uri"] == "postgresql://db/ml"
    assert secrets.clean("login of hunter2 failed") == "login of withheld failed"


def test_a_key_that_was_changed_asks_the_same_model() -> None:
    def seen(key: str) -> Any:
        return Settings(config={"model": {"extra": {"api_key": key, "user_token": key, "top_k": 3}}}).config

    assert (
        seen("first-key-1")
        == seen("another")
        == {"model": {"extra": {"api_key": "withheld", "user_token": "withheld", "top_k": 3}}}
    )


def test_secrets_of_the_environment_and_of_the_configuration_are_cleaned_out_of_every_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MY_SERVICE_PASSWORD", "correct horse")
    monkeypatch.setenv("SOME_TOKEN_FILE", "/run/secrets/one")
    monkeypatch.setenv("https_proxy", "http://ann:proxypw9@proxy:3128")
    Settings(config={"model": {"extra": {"access_token": "staple-battery"}}})
    text = "correct horse staple-battery proxypw9 /run/secrets/one"
    assert secrets.clean(text) == "withheld withheld withheld /run/secrets/one"
    folder = RunFolder(tmp_path)
    folder.write_predictions(
        [Prediction("a", error="no staple-battery; password=abc"), Prediction("b", text="password=abc")]
    )
    assert [one.error or one.text for one in folder.predictions()] == ["no withheld; password=withheld", "password=abc"]


def test_what_a_stranger_claims_to_be_a_secret_is_not_taken_out_of_our_own_texts() -> None:
    secrets.withheld({"token": "macro_f1_1"})
    assert secrets.clean("macro_f1_1 61.0") == "macro_f1_1 61.0"


PLANTED = {
    "by_name": "plantedbyname1", "header": "plantedheader2", "nested": "plantednested3", "flag": "plantedflag4", "look": KNOWN[0],
    "random": KNOWN[-1], "jwt": JWT, "env": "planted-env-5", "endpoint": "planted-endpoint-6", "store": "plantedstore7",
    "path": "ab12" * 8,
    "password": "plantedpw8", "proxy": "plantedproxy9",
}  # fmt: skip
EXTRA = (
    "model.extra={api_key: BY_NAME, headers: {X-Any: HEADER, Authorization: 'Bearer JWT'}, "
    "deep: [{deeper: {client-secret: NESTED}}], command: ['--token', FLAG], note: 'say LOOK', "
    "id: RANDOM, from_env: '${oc.env:PLANTED_TOKEN}', password: PASSWORD, top_k: 3}"
)


def _override() -> str:
    found = EXTRA
    for name, secret in sorted(PLANTED.items(), key=lambda pair: -len(pair[0])):
        found = found.replace(name.upper() + ",", secret + ",").replace(name.upper() + "}", secret + "}")
        found = found.replace(name.upper() + "'", secret + "'").replace(name.upper() + "]", secret + "]")
    return found


def _forms() -> list[bytes]:
    """Each secret as it is, and in base64."""
    return [form for one in PLANTED.values() for form in (one.encode(), base64.b64encode(one.encode()).rstrip(b"="))]


def _leaks(folder: Path, said: str) -> list[tuple[str, str]]:
    files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in folder.rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            files |= {f"{path}#{name}": archive.read(name) for name in archive.namelist()}
    return [
        (form.decode(), name)
        for form in _forms()
        for name, data in (files | {"said": said.encode()}).items()
        if form in data
    ]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, bench_main: Main) -> Main:
    """The command with keys in its environment; all that it said is in its last answer."""
    monkeypatch.setenv("PLANTED_TOKEN", PLANTED["env"])
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED["endpoint"])
    monkeypatch.setenv("https_proxy", f"http://ann:{PLANTED['proxy']}@127.0.0.1:9")
    return bench_main


def _faulty(asked: Any) -> Any:
    """Echoes everything that it got, in answers and errors alike."""
    whole = f"{json.dumps(asked.body)} {json.dumps(asked.headers)} {asked.path}"
    return error(400, whole) if "number 3" in asked.text else says(whole)


@pytest.mark.slow
def test_no_planted_key_stands_in_anything_that_the_command_writes_or_says(
    planted: Main, own_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = [
        "run",
        "task=words",
        "model=endpoint",
        "model.model=m",
        "tracking=none",
        _override(),
        "model.base_url=env:PLANTED_URL",
    ]
    told = []
    with FaultyServer(then=_faulty) as server:
        monkeypatch.setenv("PLANTED_URL", f"{server.url}/{PLANTED['path']}")
        told.append(planted(*run, "--json"))
        assert server.asked[0].body["api_key"] == PLANTED["by_name"]
        assert PLANTED["path"] in server.asked[0].path
        first = json.loads(told[0][1][-1])["run_id"]
        again = [word.replace(PLANTED["by_name"], "plantedother0") for word in run]
        n = len(server.asked)
        told.append(planted(*again))
        assert len(server.asked) == n  # another key, the same run
    told.append(planted("run", "--cfg", "job", *run[1:]))
    told.append(
        planted("run", *run[1:], "model.extra.oops={api_key: plantedbyname1")
    )  # Hydra quotes what it cannot read
    told.append(planted("run", "task=words", "model=stub", "tracking=none"))
    for words in (
        ["board", "--html", "site"], ["submit", "words/endpoint", "-o", "b.zip", "--submitter", "Ann"], ["verify", "b.zip"],
        ["check", "words/endpoint", "--update"], ["check", "words/endpoint", "--no-speed", "--junit", "j.xml", "--markdown",
        "m.md"],
        ["compare", "words/endpoint", "words/stub"], ["compare", "words/endpoint", "words/stub", "--json"], ["rescore", "--all"],
    ):  # fmt: skip
        told.append(planted(*words))
    assert [code for code, _, _ in told] == [0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0], told
    said = "\n".join(line for _, out, err in told for line in (*out, *err))
    assert _leaks(tmp_path, said) == []
    assert "plantedother0" not in said
    record = json.loads(next(tmp_path.glob(f"runs/words/endpoint/{first}/run.json")).read_text())
    assert record["config"]["model"]["extra"]["top_k"] == 3
    assert record["config"]["model"]["base_url"] == "env:PLANTED_URL"


@pytest.mark.slow
def test_no_planted_key_reaches_the_store_its_artifacts_or_its_marks(
    planted: Main, own_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PLANTED["password"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ann:{PLANTED['store']}@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with FaultyServer(then=_faulty) as server:
        run = ["run", "task=words", "model=endpoint", "model.model=m", _override(), f"model.base_url={server.url}"]
        down = planted(*run)
    assert "`bench sync` logs it later" in "".join(down[2])
    told = [down, planted("sync"), planted("board", "--store", f"http://ann:{PLANTED['store']}@127.0.0.1:9")]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    told += [
        planted("sync"),
        planted("sync", "--json"),
        planted("board", "--store", f"http://ann:{PLANTED['store']}@127.0.0.1:9"),
    ]
    assert [code for code, _, _ in told] == [0, 2, 2, 0, 0, 2]
    said = "\n".join(line for _, out, err in told for line in (*out, *err))
    assert _leaks(tmp_path, said) == []
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as store:
        params = dict(store.execute("SELECT key, value FROM params").fetchall())
    assert params["model.extra.api_key"] == "withheld"


@pytest.mark.slow
def test_a_run_of_before_that_holds_a_secret_is_named_and_not_logged(
    bench_main: Main, own_package: Path, tmp_path: Path
) -> None:
    bench_main("run", "task=words", "model=stub", "tracking=none")
    (record,) = tmp_path.glob("runs/words/stub/*/run.json")
    found = json.loads(record.read_text())
    found["config"]["model"]["api_key"] = "plantedbyname1"
    record.write_text(json.dumps(found))
    from bench.runs.folder import read_run
    from bench.tracking.log import Tracker

    tracker = Tracker.__new__(Tracker)
    with pytest.raises(BenchError, match=r"holds a secret in model\.api_key, which the store would show") as caught:
        tracker.log(read_run(record), record.parent)
    assert "planted" not in str(caught.value)
