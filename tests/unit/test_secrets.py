"""Credentials are taken out of command lines, parameters and URLs; vocabulary and authors stay.

The credentials here are put together from pieces, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import shlex

import pytest

from gxt.model.json_types import Json, JsonObject
from gxt.model.secrets import (
    REDACTED,
    is_secret_name,
    redact_command,
    redact_params,
    redact_text,
    secret_in,
)

SECRET_NAMES = """
    password PASSWORD db_password passwd passphrase password1 secret client_secret SECRET_KEY
    app.secret.value aws_secret_access_key token hf_token HF_TOKEN hfToken HFToken hub.token MYCORP_TOKEN
    token_2 csrf_token id_token api_key apiKey APIKey api-key apikey API_KEY_2 openai_api_key access_key
    aws_access_key_id private_key ssh_private_key WANDB_API_KEY wandb_key credential credentials auth
    basic_auth http-auth authorization auth_token access_token access_tokens refresh_token api_keys
    db_pass SMTP_PASS db_pwd cookie session_cookie
""".split()

LOOK_ALIKES = """
    tokenizer tokenizer_name tokenizer.path max_tokens max_new_tokens min_tokens num_tokens n_tokens
    token_dim token_dropout token_type_ids token_embedding tokens tokens_per_batch special_tokens
    additional_special_tokens stop_tokens pad_token eos_token eos_token_id bos_token unk_token mask_token
    cls_token sep_token image_token image_token_index next_token placeholder_token class_token tokenize
    detokenize author authors author_email authority secretary secrete password_length password_file
    secret_dim num_secrets key keys key_dim num_keys query_key sort_key primary_key key_id keyboard monkey
    public_key ssh_public_key private access_pattern forward_pass first_pass n_pass bypass compass passes
    pwd auth_type use_auth use_auth_token api_base api_version api_key_path token_file credit cookiecutter
    lr model.dim
""".split()

FORMS = [
    "ghp_" + "a1B2" * 9,
    "gho_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 9,
    "glpat-" + "a1B2-" * 4,
    "hf_" + "aBcD" * 9,
    "sk-" + "a1B2" * 12,
    "sk-ant-api03-" + "a1-_" * 12,
    "sk-proj-" + "a1-_" * 12,
    "AKIA" + "ABCD1234" * 2,
    "xoxb-" + "1234567890-" * 2 + "abc",
    "xoxa-" + "1234567890",
    "xoxp-" + "1234567890",
    "AIza" + "a1B2-" * 7,
    "npm_" + "a1B2" * 9,
    "ya29." + "a1B2-" * 5,
    "pypi-" + "AgE" + "a1B2" * 5,
    "dckr_" + "pat_" + "a1B2-" * 5,
    "rk_" + "live_" + "a1B2" * 5,
    "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxIn0" + ".c2lnbmF0dXJl-_",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN " + "PRIVATE KEY-----\nMIIE\ncut off",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_telling_name_is_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert redact_params({name: "hunter2"}) == {name: REDACTED}
    assert redact_command(["x", f"--{name}", "hunter2"]) == ["x", f"--{name}", REDACTED]
    assert redact_command(["x", f"{name}=hunter2"]) == ["x", f"{name}={REDACTED}"]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_look_alike_is_none(name: str) -> None:
    assert not is_secret_name(name)
    assert redact_params({name: "</s>"}) == {name: "</s>"}
    argv = ["x", f"--{name}", "512", f"--{name}=512", f"{name}=512"]
    assert redact_command(argv) == argv


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[:11])
def test_a_telling_form_is_a_secret_wherever_it_stands(form: str) -> None:
    assert redact_text(form) == REDACTED
    assert redact_text(f"see '{form}'") in (f"see '{REDACTED}'", f"see '{REDACTED}")  # an open key has no end
    assert redact_params({"x": [1, {"y": form}]}) == {"x": [1, {"y": REDACTED}]}
    assert redact_command(["x", "--value", form]) == ["x", "--value", REDACTED]


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-random-forest-baseline",
        "sk-learnrandomforestclassifier",
        "task-0123456789abcdefghijklmn",
        "hf_internal_testing",
        "ghp_short",
        "0123456789abcdef0123456789abcdef01234567",
        "s3://bucket/data/train",
        "https://example.org:8080/a@b",
        "https://auth:8080/x",
        "git@github.com:org/repo.git",
        "predict the next token quickly",
        "basic understanding-of-transformers",
        "a bearer of-good-and-long-news",
        "tcp://127.0.0.1:23456",
    ],
)
def test_what_only_resembles_a_form_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("train --token abc --lr 0.1", "train --token [redacted] --lr 0.1"),
        ("train --token --lr 0.1", "train --token --lr 0.1"),
        ("train --token=abc x", "train --token=[redacted] x"),
        ("train --auth true --password null", "train --auth true --password null"),
        ("env HF_TOKEN=abc python x.py", "env HF_TOKEN=[redacted] python x.py"),
        ("train +hub.token=abc lr=1", "train +hub.token=[redacted] lr=1"),
        (
            "sh -c 'export TOKEN=abc; ./x --api-key \"a b\" --n 3'",
            "sh -c 'export TOKEN=[redacted]; ./x --api-key \"[redacted]\" --n 3'",
        ),
        ('x --json \'{"api_key": "abc", "lr": 1}\'', 'x --json \'{"api_key": "[redacted]", "lr": 1}\''),
        ("x --cmd 'run=\"TOKEN=abc y\"'", "x --cmd 'run=\"TOKEN=[redacted] y\"'"),
        ("curl -H 'Authorization: Basic dXNlcjpw'", "curl -H 'Authorization: Basic [redacted]'"),
        ("curl -H 'X: Bearer a1b2c3d4e5'", "curl -H 'X: Bearer [redacted]'"),
        ("x postgres://u:p@ss@host/db", "x postgres://[redacted]@host/db"),
        ("x --url=https://h/?token=abc&x=1", "x --url=https://h/?token=[redacted]&x=1"),
        ('x token="abc', "x token=[redacted]"),
    ],
)
def test_a_command_keeps_everything_but_its_secrets(command: str, expected: str) -> None:
    split = shlex.split if command.count('"') % 2 == 0 else str.split
    argv, wanted = split(command), split(expected)
    assert redact_command(argv) == wanted


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"password": 123456, "token": 5, "auth": True}, {"password": REDACTED, "token": 5, "auth": True}),
        ({"token": None, "secret": "", "auth": "basic"}, {"token": None, "secret": "", "auth": "basic"}),
        ({"credentials": {"user": "a", "n": 1}}, {"credentials": REDACTED}),
        ({"credentials": {}, "secrets": []}, {"credentials": {}, "secrets": []}),
        ({"token": {"dim": 64, "type": "bpe"}}, {"token": {"dim": 64, "type": "bpe"}}),
        ({"hub": {"token": "abc", "url": "x"}}, {"hub": {"token": REDACTED, "url": "x"}}),
        ({"api_keys": ["a", "b"]}, {"api_keys": [REDACTED, REDACTED]}),
        ({"args": ["--token", "abc", "lr=1"]}, {"args": ["--token", REDACTED, "lr=1"]}),
        ({"mixed": [1, "TOKEN=abc", [["x"]]]}, {"mixed": [1, "TOKEN=[redacted]", [["x"]]]}),
        ({"ghp_" + "a1B2" * 9: 1}, {REDACTED: 1}),
        ({"lr": 0.1, "layers": [64], "x": None}, {"lr": 0.1, "layers": [64], "x": None}),
    ],
)
def test_parameters_keep_their_shape(params: JsonObject, expected: JsonObject) -> None:
    assert redact_params(params) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:pass@host/a.git", "https://[redacted]@host/a.git"),
        ("https://user@host/a.git", "https://user@host/a.git"),
        ("ssh://git@host:22/a.git", "ssh://git@host:22/a.git"),
        ("git@host:a.git", "git@host:a.git"),
        ("https://" + "0123456789abcdef" * 2 + "@host/a", "https://[redacted]@host/a"),
        ("https://ghp_" + "a1B2" * 9 + "@host/a", "https://[redacted]@host/a"),
        (
            "https://x.blob.core.windows.net/c/d?sv=1&sig=abcDEF123456%3D&se=2",
            "https://x.blob.core.windows.net/c/d?sv=1&sig=[redacted]&se=2",
        ),
        (
            "https://d1.cloudfront.net/a?Expires=1&Signature=abcdefghij~&Key-Pair-Id=K",
            "https://d1.cloudfront.net/a?Expires=1&Signature=[redacted]&Key-Pair-Id=K",
        ),
        (
            "https://h/a?X-Amz-Signature=ab&x=1&X-Goog-Signature=c#f",
            "https://h/a?X-Amz-Signature=[redacted]&x=1&X-Goog-Signature=[redacted]",
        ),
        ("https://h/a?token=ab&key=c", "https://h/a?token=[redacted]&key=c"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("", ""),
    ],
)
def test_a_url_keeps_its_host_and_path(url: str, expected: str) -> None:
    assert redact_text(url) == expected
    assert redact_text(expected) == expected


def test_nesting_beyond_the_cap_is_redacted_whole() -> None:
    deep: Json = "x"
    for _ in range(100):
        deep = [1, deep]
    value: Json = redact_params({"a": deep})
    levels = 0
    while isinstance(value, (dict, list)):
        value = value["a"] if isinstance(value, dict) else value[1]
        levels += 1
    assert (value, levels) == (REDACTED, 65)


@pytest.mark.parametrize(
    "piece", ["a=", "a:", "eyJ-", "-", '"', " --token", "x://", "a://b:", "-----BEGIN ", "token='"]
)
def test_long_texts_take_linear_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    assert len(redact_text(text)) >= len(text) // 2


RANDOM = "q7Zt2KxVw9LbR4mYc8HdNf3JpGs6TuEa5XkQ"

HEX = "9f3c1e7ab2d84605" + "f1e9c37a5b0d28e46b1d07aa"

HELD = [
    ("ghp_" + RANDOM, "GitHub token"),
    ("github_pat_" + RANDOM + RANDOM[::-1], "GitHub token"),
    ("glpat-" + RANDOM[:20], "GitLab token"),
    ("hf_" + "qZtKxVwLbRmYcHdNfJpGsTuEaXkQzWvBnM", "Hugging Face token"),
    ("sk-proj-" + RANDOM, "API key"),
    ("sk-" + "9f3c1e7ab2d84605f1e9c37a5b0d28e4", "API key"),
    ("sk_live_" + RANDOM[:24], "Stripe key"),
    ("id = AKIA" + "Q7ZT2KXVW9LBR4MY\nkey = " + RANDOM + "/w+B", "AWS key"),
    ("xoxb-" + "731928465102-" + RANDOM[:24], "Slack token"),
    ("AIza" + RANDOM[:35], "Google API key"),
    ("npm_" + RANDOM, "npm token"),
    ("gsk_" + RANDOM + RANDOM[:16], "Groq key"),
    ("nvapi-" + RANDOM + RANDOM[::-1][:28], "NVIDIA key"),
    ("r8_" + RANDOM + "a", "Replicate token"),
    ("SG." + RANDOM[:22] + "." + RANDOM + RANDOM[:7], "SendGrid key"),
    (
        "https://hooks.slack.com/" + f"services/T{RANDOM[:9].upper()}/B{RANDOM[:9].upper()}/{RANDOM[:24]}",
        "Slack webhook",
    ),
    ("wandb_v1_" + RANDOM + RANDOM[::-1], "W&B key"),
    (f"'\nexport WANDB_API_KEY={HEX}\n'", "W&B key"),
    (f"'\nWANDB_API_KEY: {HEX}\n'", "W&B key"),
    (f"'\nos.environ['WANDB_API_KEY'] = '{HEX}", "W&B key"),
    (f"'\nwandb.login(\n    key='{HEX}", "W&B key"),
    (f"'\nwandb.login(relogin=True, key='{HEX}", "W&B key"),
    ("-----BEGIN RSA " + f"PRIVATE KEY-----\n{RANDOM}{RANDOM[::-1]}\n", "private key"),
    ('{"private_key": "-----BEGIN ' + f'PRIVATE KEY-----\\n{RANDOM}{RANDOM[::-1]}\\n"}}', "private key"),
]


@pytest.mark.parametrize(("content", "kind"), HELD, ids=[content.split()[-1][:14] for content, _ in HELD])
def test_the_form_of_a_secret_in_a_file_is_known_by_its_kind(content: str, kind: str) -> None:
    assert secret_in(f"import os\n\nvalue = '{content}'\n") == kind


@pytest.mark.parametrize(
    "content",
    [
        *FORMS,
        "ghp_" + "x" * 36,
        "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
        "sk-your-key-goes-here-" + RANDOM,
        "sk-proj-" + "XXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "AKIA" + "IOSFODNN7" + "EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
        "AKIA" + "Q7ZT2KXVW9LBR4MY at 9f3c1e7ab2d84605f1e9c37a5b0d28e46b1d07aa",
        "hf_" + "transformermodelconfigurationloader",
        f"wandb @ git+https://github.com/wandb/wandb@{HEX}",
        f"export WANDB_API_KEY=$KEY && git checkout {HEX}",
        "WANDB_API_KEY=" + "0123456789" * 4,
        "WANDB_API_KEY=" + "x" * 40,
        f"WANDB_API_KEY_SHA256={HEX}{HEX[:24]}",
        "the key is between -----BEGIN " + "PRIVATE KEY----- and -----END PRIVATE KEY-----",
        "-----BEGIN " + "PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + RANDOM * 2,
        "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + RANDOM + "." + RANDOM,
        'token = os.environ["HF_TOKEN"]',
        'password = "hunter2"',
    ],
)
def test_what_is_made_up_in_a_file_is_no_secret(content: str) -> None:
    assert secret_in(content) == ""
