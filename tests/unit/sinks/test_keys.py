import argparse
import stat

import pytest
import zmq.auth

from daemon.commands import keys as command
from sinks.keys import KeyFileError, create_pair, load_public, load_secret


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def run(*words):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["keys", *map(str, words)])
    return args.run(args)


def test_new_pair_has_right_modes_and_can_be_read_back(tmp_path):
    public_path, secret_path = create_pair(tmp_path / "keys", "front")
    assert (mode(public_path), mode(secret_path), mode(tmp_path / "keys")) == (0o644, 0o600, 0o700)
    public, secret = load_secret(secret_path)
    assert load_public(public_path) == load_public(secret_path) == public
    assert len(public) == len(secret) == 40
    assert secret not in public_path.read_bytes()


def test_files_are_those_of_other_zeromq_programs(tmp_path):
    _, secret_path = create_pair(tmp_path, "ours")
    assert zmq.auth.load_certificate(secret_path) == load_secret(secret_path)
    theirs = zmq.auth.create_certificates(tmp_path, "theirs")[1]
    (tmp_path / "theirs.key_secret").chmod(0o600)
    assert load_secret(tmp_path / "theirs.key_secret") == zmq.auth.load_certificate(theirs)


@pytest.mark.parametrize("name", ["front.key", "front.key_secret"])
def test_no_file_is_replaced_and_none_is_left_behind(tmp_path, name):
    (tmp_path / name).write_text("dear")
    with pytest.raises(KeyFileError, match=f"{name} exists"):
        create_pair(tmp_path, "front")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "dear")]


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match="file/keys cannot be written: Not a directory"):
        create_pair(tmp_path / "file" / "keys", "front")


@pytest.mark.parametrize(
    ("allowed", "bits"), [(True, 0o400), (True, 0o440), (False, 0o604), (False, 0o660)]
)
def test_secret_key_must_not_be_open_to_others(tmp_path, allowed, bits):
    _, secret_path = create_pair(tmp_path, "front")
    secret_path.chmod(bits)
    if allowed:
        assert load_secret(secret_path)
    else:
        with pytest.raises(KeyFileError, match=f"open to others .mode {bits:04o}"):
            load_secret(secret_path)


def test_faults_of_key_files_name_the_file(tmp_path):
    public_path, secret_path = create_pair(tmp_path, "front")
    public_path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"front.key has no secret-key in it"):
        load_secret(public_path)
    for load in (load_secret, load_public):
        with pytest.raises(KeyFileError, match="missing cannot be read: No such file"):
            load(tmp_path / "missing")
    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        load_public(tmp_path)
    secret_path.write_text('curve\n  public-key = "short"\n  secret-key = "short"\n')
    with pytest.raises(KeyFileError, match="a key of 5 characters where 40 are due"):
        load_secret(secret_path)
    secret_path.write_text("hello")
    with pytest.raises(KeyFileError, match="not a key file"):
        load_public(secret_path)


def test_command_makes_a_pair_once(tmp_path, capsys):
    assert run("new", tmp_path, "--name", "front") == 0
    assert "front.key_secret" in capsys.readouterr().out
    assert run("new", tmp_path, "--name", "front") == 1
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../escape", "", ".hidden", "a/b"])
def test_command_refuses_names_that_leave_the_folder(tmp_path, name, capsys):
    with pytest.raises(SystemExit):
        run("new", tmp_path, f"--name={name}")
    assert "letters, digits" in capsys.readouterr().err
