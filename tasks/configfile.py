"""The settings file: which file Luigi reads, the base of its relative paths, and the meaning of `%`."""

import os
from configparser import ConfigParser, InterpolationError, InterpolationSyntaxError
from pathlib import Path

from luigi.configuration import get_config

from pipeline.errors import SettingError

PATH_VARIABLE = "LUIGI_CONFIG_PATH"
"""The environment variable that names the settings file."""


def require_config_file() -> None:
    """Return if there is a luigi.cfg. Without one, Luigi would wait for a scheduler that is not running.

    Raises:
        SettingError: there is none, LUIGI_CONFIG_PATH names an absent file, or the settings are in a form or
            under a name of which Luigi reads only a part.
    """
    named, parser = os.environ.get(PATH_VARIABLE, ""), os.environ.get(_PARSER_VARIABLE, "cfg")
    if parser == "toml" or Path(named).suffix == ".toml":
        raise SettingError(
            f"settings are read from luigi.cfg, not from TOML: {PATH_VARIABLE} is {named or 'not set'}, "
            f"{_PARSER_VARIABLE} is {parser}; write them as in the project's luigi.cfg, and unset "
            f"{_PARSER_VARIABLE}"
        )
    here = Path("luigi.cfg")
    if Path(named).is_file() if named else here.is_file() or _SHARED.is_file():
        return
    old = [file for file in (Path("client.cfg"), Path("luigi.toml")) if file.is_file()]
    raise SettingError(
        f"there is no luigi.cfg: {PATH_VARIABLE} is {named or 'not set'}, looked for {here.absolute()} and "
        f"{_SHARED}; run the command in the project's folder, or set {PATH_VARIABLE} to its luigi.cfg; "
        "for a new project, `python -m tasks init` writes one"
        + "".join(f"; {file} does not count, its settings belong into a luigi.cfg" for file in old)
    )


def prepare(sections: list[str]) -> None:
    """Make Luigi read our sections, and the paths in its own, as docs/settings.md says.

    Raises:
        SettingError: a file cannot be read, a value refers to an absent setting, or one of our sections is
            in a client.cfg.
    """
    for file in map(Path, _OLD):
        if ours := sorted(set(_read(file).sections()).intersection(sections)):
            raise SettingError(
                f"{file.absolute()} has [{ours[0]}], which luigi.cfg would cover in part; "
                "move its settings to luigi.cfg and remove it"
            )
    config = get_config()
    for section in filter(config.has_section, sections):
        for name in config.options(section):
            try:
                config.get(section, name)
            except InterpolationSyntaxError:
                # A sign that refers to nothing: `max_bad_rows = 1.5%`.
                raw = config.get(section, name, raw=True)
                config.set(section, name, raw.replace("%", "%%"))
            except InterpolationError as error:
                raise SettingError(f"[{section}] {name} cannot be read: {error.message}") from error
    for name in _PATHS_OF_LUIGI:
        if config.has_option("core", name):
            path = folder_of("core", name) / config.get("core", name)
            config.set("core", name, str(path).replace("%", "%%"))


def folder_of(section: str, name: str) -> Path:
    """Return the base folder of a relative path in a setting: that of the file with the setting.

    If no file has the setting, it is that of luigi.cfg.
    """
    file = file_of(section, name)
    return file.parent if file else Path(os.environ.get(PATH_VARIABLE, "")).parent


def file_of(section: str, name: str) -> Path | None:
    """Return the file with a setting, the last one that Luigi reads if several have it; None if none has."""
    named = os.environ.get(PATH_VARIABLE, "")
    for file in (Path(named), Path("luigi.cfg"), _SHARED):
        if file.name and _read(file).has_option(section, name):
            return file
    return None


def _read(file: Path) -> ConfigParser:
    """Return the settings in a file; nothing if it is absent."""
    config = ConfigParser(interpolation=None, strict=False)
    config.optionxform = str  # type: ignore[assignment,method-assign] # as Luigi does
    try:
        with file.open(encoding="utf-8") as text:
            config.read_file(text)
    except FileNotFoundError:
        return config
    except OSError as error:
        raise SettingError(
            f"cannot read {file.absolute()}: {error.strerror}; let this user read it"
        ) from error
    return config


_PARSER_VARIABLE = "LUIGI_CONFIG_PARSER"
_SHARED = Path("/etc/luigi/luigi.cfg")
_OLD = ("/etc/luigi/client.cfg", "client.cfg")
_PATHS_OF_LUIGI = ("lock_pid_dir", "logging_conf_file")
