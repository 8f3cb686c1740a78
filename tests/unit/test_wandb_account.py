"""Whether W&B would stop a command: told by its code and by what is configured, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxt.capture.wandb_account import is_used_without_account

USES = "import wandb\nwandb.init(project='p')\n"
PACKAGE = {"train.py": "from models.net import fit\n", "models/net.py": "from . import logs\n"}


def is_pointed(project: Path, files: dict[str, str], *command: str, **env: str) -> bool:
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    words = command or ("python", "train.py")
    return is_used_without_account(words, cwd=project, top=project.parent, env=env)


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"train.py": USES}, ()),
        ({"train.py": USES + "plugin, wandb_project = 1, 'p'\n"}, ()),
        ({"src/lab/train.py": USES}, ("python", "-m", "lab.train")),
        ({"lab/__init__.py": "", "lab/__main__.py": USES}, ("python", "-m", "lab")),
        ({"train.py": "import models"}, ("torchrun", "train.py", "--report_to=wandb")),
        ({**PACKAGE, "models/logs.py": USES}, ()),
        ({"train.py": "from models import (\n    net,\n    logs as l)", "models/logs.py": USES}, ()),
        ({"train.py": "import a.b as c, d.e", "d/e.py": "from ..logs import x", "logs.py": USES}, ()),
        ({"train.py": USES + "os.environ['SEED'] = str(seed); 'the imports'"}, ("uv", "run", "train.py")),
    ],
)
def test_code_that_logs_to_wandb_and_names_no_account(
    tmp_path: Path, files: dict[str, str], command: tuple[str, ...]
) -> None:
    assert is_pointed(tmp_path / "lab", files, *command)


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"train.py": "import torch"}, ()),
        ({"train.py": USES}, ("python", "other.py")),
        ({"train.py": USES}, ("bash", "train.sh")),
        ({"train.py": USES + "wandb.login(key='x')"}, ()),
        ({"train.py": USES + "import os; os.environ['WANDB_PROJECT'] = 'p'"}, ()),
        ({"train.py": USES}, ("python", "train.py", "--wandb-key", "x")),
        ({"train.py": USES + "settings = wandb.Settings(api_key=key)"}, ()),
        ({"train.py": USES + "rootutils.setup_root(dotenv=True)"}, ()),
        ({"train.py": USES + "import_module(name)"}, ()),
        ({**PACKAGE, "models/logs.py": USES, "models/__init__.py": "from wandb import login"}, ()),
        ({"train.py": USES, ".env": "WANDB_API_KEY=x"}, ()),
        ({"train.py": USES, "../.env": "export WANDB_API_KEY=x"}, ()),
        ({"train.py": USES, "wandb/settings": "[default]\nmode = disabled"}, ()),
        ({"train.py": USES, ".wandb/settings": "[default]\nbase_url = https://wb.example.org"}, ()),
        ({"train.py": USES + "wandb.init(settings=wandb.Settings(base_url=URL))"}, ()),
        ({"train.py": USES + "config(cfg.wandb.key)"}, ()),
        ({"train.py": USES + "os.environ[name] = value"}, ()),
        ({"train.py": USES + "os.environ |= load(path)"}, ()),
        ({"train.py": USES + "env.read_env('prod')"}, ()),
        ({"train.py": USES + "@hydra.main(config_path='conf')"}, ()),
        ({"train.py": USES + "sys.path.insert(0, '../ours')"}, ()),
        ({"train.py": USES}, ("op", "run", "--", "python", "train.py")),
        ({"train.py": USES}, ("sh", "wrapper.sh", "train.py")),
        ({"train.py": USES}, ("conda", "run", "-n", "lab", "python", "train.py")),
        ({"train.py": USES}, ("uv", "run", "--env-file", "keys", "train.py")),
        ({"train.py": USES + "#" * (1 << 20)}, ()),
        ({"train.py": USES + "\n".join(f"import m{at}" for at in range(100)),
          **{f"m{at}.py": "" for at in range(100)}}, ()),
    ],
)  # fmt: skip
def test_code_that_does_not_or_may_log_in(
    tmp_path: Path, files: dict[str, str], command: tuple[str, ...]
) -> None:
    assert not is_pointed(tmp_path / "lab", files, *command)


def test_what_is_configured_at_home_is_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    lab = tmp_path / "lab"
    assert not is_pointed(lab, {"train.py": USES}, WANDB_DIR="/data")
    assert is_pointed(lab, {"../home/.netrc": "machine github.com login me password x"})
    assert not is_pointed(lab, {"../home/.netrc": "machine api.wandb.ai login user password x"})
    assert is_pointed(lab, {"../keys": "machine github.com"}, NETRC=str(tmp_path / "keys"))
    (home / "keys").write_text("machine api.wandb.ai login user password x")
    assert not is_pointed(lab, {}, NETRC="~/keys")
    ours = {"train.py": "import ours\n" + USES, "../ours/ours/__init__.py": "import wandb; wandb.login()"}
    assert not is_pointed(lab, ours, PYTHONPATH=f"{tmp_path}/ours")
    assert not is_pointed(lab, {"../home/.config/wandb/settings": ""}, NETRC=str(tmp_path / "keys"))
