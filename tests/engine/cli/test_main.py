"""The command line answers people in one line, whatever goes wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from tilesam import PromptError, cli


@pytest.fixture
def app(monkeypatch):
    """Return an empty application that takes the place of the real one."""
    app = typer.Typer()
    app.callback()(lambda: None)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.delenv(cli.DEBUG_VARIABLE, raising=False)
    return app


def raising(error: BaseException):
    def command() -> None:
        raise error

    return command


def exit_code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    return exit_.value.code


def test_a_command_that_succeeds_exits_with_zero_and_says_nothing(app, capfd):
    app.command("work")(lambda: None)

    assert exit_code_of("work") == 0
    assert capfd.readouterr() == ("", "")


def test_a_domain_error_is_one_line_on_stderr(app, capfd):
    message = "point (9, 9) outside the image; expected y < 8; click inside [it] " * 5
    app.command("work")(raising(PromptError(message)))

    assert exit_code_of("work") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err == f"Error: {message.strip()}\n"


def test_line_breaks_inside_a_message_are_taken_out(app, capfd):
    app.command("work")(raising(PromptError("keys differ:\n  a\n  b")))

    assert exit_code_of("work") == 1
    assert capfd.readouterr().err == "Error: keys differ: a b\n"


def test_an_unforeseen_error_is_one_line_that_names_the_debug_variable(app, capfd):
    app.command("work")(raising(ZeroDivisionError("division by zero")))

    assert exit_code_of("work") == 1
    err = capfd.readouterr().err
    assert err.startswith("Error: unforeseen ZeroDivisionError: division by zero;")
    assert "NAPARI_SAM_DEBUG=1" in err
    assert err.count("\n") == 1


def test_the_debug_variable_lets_the_traceback_through(app, monkeypatch):
    monkeypatch.setenv("NAPARI_SAM_DEBUG", "1")
    app.command("work")(raising(PromptError("no prompt")))

    with pytest.raises(PromptError, match="no prompt"):
        cli.main(["work"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupted_command_exits_with_130(app, capfd, error):
    app.command("work")(raising(error))

    assert exit_code_of("work") == 130
    assert "Traceback" not in capfd.readouterr().err


def test_a_command_chooses_its_own_exit_code(app):
    app.command("work")(raising(typer.Exit(3)))

    assert exit_code_of("work") == 3


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"]])
def test_wrong_usage_is_one_line_and_exits_with_two(arguments, capfd):
    assert exit_code_of(*arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert arguments[0] in err
    assert err.endswith(". See `napari-sam --help`.\n")


def test_no_arguments_at_all_show_the_help(capfd):
    assert exit_code_of() == 0
    assert "Usage: napari-sam" in capfd.readouterr().out


def test_a_group_without_its_command_shows_the_help_of_the_group(capfd):
    assert exit_code_of("models") == 2
    assert capfd.readouterr().err.startswith("Usage: napari-sam models")


def test_version(capfd):
    assert exit_code_of("--version") == 0
    assert capfd.readouterr().out.startswith("napari-sam-tiles ")


def leaf_commands(command, *, name: str) -> dict:
    children = getattr(command, "commands", None)
    if children is None:
        return {name: command}
    leaves = [
        leaf_commands(child, name=f"{name} {key}") for key, child in children.items()
    ]
    return {key: leaf for found in leaves for key, leaf in found.items()}


def test_every_command_speaks_json_and_explains_itself():
    leaves = leaf_commands(typer.main.get_command(cli.app), name="napari-sam")

    assert "napari-sam models list" in leaves
    for name, command in leaves.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--json" in options, name
        assert command.help, name


def test_help_of_every_command_loads_neither_torch_nor_a_viewer():
    code = (
        "import sys\n"
        "from tilesam import cli\n"
        "try:\n"
        "    cli.main(['--help'])\n"
        "except SystemExit as exit_:\n"
        "    assert exit_.code == 0, exit_.code\n"
        "heavy = {'torch', 'skimage', 'scipy', 'napari', 'qtpy', 'matplotlib'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "Usage: napari-sam" in run.stdout
