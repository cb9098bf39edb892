"""Install the build tools into an environment of their own; see `inference.build_tools`.

`python -m slowfast_live.tools.convert.install` writes its progress as JSON lines, like a build. It may be ended at any
time and started again: what is there already is not installed twice, and what pip has fetched stays in its cache.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import site
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from slowfast_live import ending, paths
from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.inference.build_tools import MARK, mark_of, python_of, tools_folder
from slowfast_live.inference.building import NEEDED
from slowfast_live.tools.convert.progress import BuildJsonReporter

_LINK = "slowfast-live-app.pth"
_STEP = re.compile(r"^(Collecting|Downloading|Installing collected packages|Using cached|Successfully installed)\b")
_LAST_LINES = 12
_PIP_FOR_OTHERS = (22, 3)
"""Version of pip from which it has the option --python."""
FAILED, INTERRUPTED = 1, ending.INTERRUPTED


def main(words: Sequence[str] | None = None) -> int:
    """Install the build tools; return 0, 1 if that failed, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m slowfast_live.tools.convert.install", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where they go; the user's own folder where not given")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="install from this folder instead of the internet")
    parser.add_argument("--requirement", action="append", metavar="NAME", help="instead of what building needs")
    parser.add_argument("--needed", action="append", metavar="MODULE", help="checked at the end, instead")
    options = parser.parse_args(words)
    reporter = BuildJsonReporter()
    try:
        with ending.bounded(whole_process=words is None):
            _install(options, reporter)
    except SlowFastLiveError as error:
        sys.stderr.write(f"{error.details}\n")
        reporter.report("failed", message=error.message)
        return FAILED
    except KeyboardInterrupt:
        reporter.report("failed", message="Interrupted. The next time it goes on from here.")
        return INTERRUPTED
    return 0


def _install(options: argparse.Namespace, reporter: BuildJsonReporter) -> None:
    folder: Path = options.folder or tools_folder()
    wheels: Path | None = options.wheels
    if wheels is not None and not wheels.is_dir():
        raise ModelError(f"There is no folder {wheels} to install the build tools from.")
    reporter.report("environment", fraction=0.02, message="Making a place for the build tools.")
    try:
        _make_environment(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        text = f"The build tools cannot be installed in {folder}: {getattr(error, 'strerror', None) or error}."
        raise ModelError(text, repr(error)) from error
    python = python_of(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(python)] if _has_pip() else [str(python), "-m", "pip"]
    command = [*pip, "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    if wheels is not None:
        command += ["--no-index", "--find-links", str(wheels)]
    constraints = paths.ROOT / "constraints.txt"
    if constraints.is_file() and not options.requirement:
        command += ["-c", str(constraints)]
    requirements = options.requirement or build_requirements()
    reporter.report("install", fraction=0.05, message="Finding out what has to be installed.")
    _run_pip([*command, *requirements], reporter, wheels)
    reporter.report("verify", fraction=0.97, message="Checking the build tools.")
    _verify(python, options.needed or NEEDED)
    (folder / MARK).write_text(json.dumps(mark_of()), encoding="utf-8")
    reporter.report("done", fraction=1.0, message=f"The build tools are installed in {folder}.")


def _make_environment(folder: Path) -> None:
    """Create the environment, or complete it after an interruption, and let it see the app's packages."""
    (folder / MARK).unlink(missing_ok=True)
    venv.EnvBuilder(with_pip=not _has_pip(), symlinks=os.name != "nt").create(folder)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    own.mkdir(parents=True, exist_ok=True)
    places = dict.fromkeys((*site.getsitepackages(), sysconfig.get_path("purelib"), str(paths.ROOT)))
    # `addsitedir` also follows what those places link to, as an editable install does.
    lines = [f"import site; site.addsitedir({place!r})" for place in places if Path(place).is_dir()]
    (own / _LINK).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _has_pip() -> bool:
    """Return whether the app's own pip can install into another environment, which then needs no pip of its own."""
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        return False
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= _PIP_FOR_OTHERS


def build_requirements() -> list[str]:
    """Return the requirements of the extra `build`, from the source tree, else from the installed package.

    Raises:
        ModelError: They are stated nowhere.
    """
    project = paths.ROOT / "pyproject.toml"
    if project.is_file():
        stated = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["build"]
        return [str(one) for one in stated]
    try:
        listed = importlib.metadata.requires("slowfast-live") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError("This installation does not state what building needs. Install it again.") from error
    return [one.partition(";")[0].strip() for one in listed if re.search(r"extra\s*==\s*['\"]build['\"]", one)]


def _run_pip(command: Sequence[str], reporter: BuildJsonReporter, wheels: Path | None) -> None:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    steps = 0

    def take(line: str) -> None:
        nonlocal steps
        last.append(line)
        if _STEP.match(line):
            steps += 1
            # How much there is to do is not known before the end: approach it.
            reporter.report("install", fraction=0.05 + 0.9 * (1 - 0.985**steps), message=line[:200])

    if _run(command, take) != 0:
        where = f"from {wheels}" if wheels is not None else "from the internet"
        why = next((line for line in reversed(last) if line.startswith("ERROR:")), "pip ended early")
        text = f"The build tools could not be installed {where}: {why.removeprefix('ERROR:').strip()}."
        if wheels is None:
            text += " Is the internet reachable? Proxies are taken from HTTPS_PROXY and from pip's own settings."
        raise ModelError(text, "\n".join(last))


def _run(command: Sequence[str], take: Callable[[str], object]) -> int:
    """Run a program, pass its lines on, and return its exit status."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        cwd=paths.ROOT,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                take(line.strip())
        except BaseException:
            process.terminate()
            raise
    return process.returncode


def _verify(python: Path, needed: Sequence[str]) -> None:
    code = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if importlib.util.find_spec(n) is None])"
    done = subprocess.run([str(python), "-c", code, *needed], capture_output=True, text=True, check=False)
    missing = done.stdout.split()
    if done.returncode != 0 or missing:
        text = f"The build tools are incomplete: {', '.join(missing) or 'Python does not start'}. Install them again."
        raise ModelError(text, done.stderr)


if __name__ == "__main__":
    sys.exit(main())
