"""The `slitless` command: arguments in, one clear line when something is wrong."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from session.commands import config, console, db, iocs, log, night, recover, setup, status, take, verify
from session.interruption import Interrupted
from session.terminal import print_error
from slitless.errors import SlitlessError

__all__ = ["app", "main", "run"]

UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])  # of the click that typer carries and keeps to itself

WRONG_USAGE, FAILED, INTERRUPTED = 2, 1, 130

FRAMEWORKS = ("bluesky", "ophyd", "caproto", "tiled")
"""Whose errors are those of the instrument, not of our code."""

app = typer.Typer(
    name="slitless",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    help="""Control an imaging slitless spectrograph, simulated or real.

    Start with [bold]slitless night[/bold]: six IOCs start, a night of every image type is taken, and its log is shown.
    To take frames yourself, run [bold]slitless iocs[/bold] in one terminal and, in another,

    slitless setup --filter SDSSr_65mm

    slitless take flat 2.0 -n 3 --filter SDSSr_65mm

    slitless log
    """,
)
app.command()(night.night)
app.command()(iocs.iocs)
app.add_typer(take.app, name="take")
app.command()(setup.setup)
app.command()(status.status)
app.command()(log.log)
app.command()(log.show)
app.command()(verify.verify)
app.command()(recover.recover)
app.add_typer(config.app, name="config")
app.command()(db.db)
app.command()(console.console)


@app.callback()
def _options(
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Log more; twice for everything.")] = 0,
) -> None:
    # without -v, what goes wrong is said in one line at the end; log lines beside it would say it twice
    level = (logging.CRITICAL, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; nothing but a defect of Slitless raises."""
    try:
        code = app(args=arguments, prog_name="slitless", standalone_mode=False)
    except UsageError as error:
        return _wrong_usage(error)
    except Interrupted as error:
        print_error(str(error))
        return INTERRUPTED
    except SlitlessError as error:
        print_error(str(error))
        return FAILED
    except KeyboardInterrupt:
        print_error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = None  # pyright: ignore[reportAttributeAccessIssue]
        return FAILED
    except Exception as error:
        complaint = _complaint(error)
        if complaint is None:
            raise
        logging.getLogger(__name__).info("while it ran", exc_info=True)
        print_error(complaint)
        return FAILED
    if code == INTERRUPTED:
        print_error("interrupted")
    return code if isinstance(code, int) else 0


def _complaint(error: Exception) -> str | None:
    """Return what to say of an error of the system or of a framework, None of one that is a defect of ours."""
    if isinstance(error, TimeoutError):
        return f"no answer in time: {error}" if str(error) else "no answer in time"
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}"
    if any(cls.__module__.partition(".")[0] in FRAMEWORKS for cls in type(error).__mro__):
        return str(error) or type(error).__name__
    return None


def _wrong_usage(error: Exception) -> int:
    message = error.format_message() if hasattr(error, "format_message") else str(error)  # pyright: ignore[reportAttributeAccessIssue]
    context = getattr(error, "ctx", None)
    if not message.strip() or "Usage:" in message:  # a command group alone: its help says it all
        sys.stderr.write(message)
    elif context is not None:
        print_error(f"{message.rstrip('.')}. Try: {context.command_path} --help")
    else:
        print_error(message)
    return WRONG_USAGE


if __name__ == "__main__":
    main()
