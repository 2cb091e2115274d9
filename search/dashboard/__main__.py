"""The command line of ``onebert dashboard``."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from search.console import cli
from search.trials.folders import RUNS

__all__ = ["main"]


@cli.entry_point
def main(
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = RUNS,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Local port to listen on; 0 takes any free one.")] = 8080,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
) -> None:
    """Show studies live in the browser.

    Shows learning curves, parameters, importance, and each trial's scores per task. Can run while a search is running.
    Only this machine can reach the page.

    Examples:

        onebert dashboard
        onebert dashboard --port 0 --open
    """
    from search.dashboard.server import make_dashboard

    server = make_dashboard(storage, runs_dir, port)
    url = f"http://localhost:{server.server_port}/dashboard"
    typer.echo(f"dashboard: {url}  (Ctrl-C to quit)")
    if open_browser:
        webbrowser.open(url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        typer.echo("dashboard closed")
    finally:
        server.server_close()


if __name__ == "__main__":
    cli.make_app(main)()
