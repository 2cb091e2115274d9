"""The command line of ``onebert push``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.console import cli

__all__ = ["main"]


@cli.entry_point
def main(
    model_dir: Annotated[Path, typer.Option(help="The model/ folder that onebert export wrote.")],
    to: Annotated[str, typer.Option(help="Repository: ORG/NAME, or USER/NAME. Created if there is none.")],
    public: Annotated[
        bool, typer.Option("--public", help="Create a repository that everybody can see; by default it is private.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option(help="Branch to upload to, created if missing; by default the main one.")
    ] = None,
    message: Annotated[str, typer.Option(help="Message of the commit.")] = "Upload a model of onebert",
) -> None:
    """Upload an exported model to the Hugging Face Hub.

    One commit contains the files that onebert export wrote, a README.md of the folder, and nothing else of it. Files of
    an earlier upload that the model no longer has are removed from the repository, with all of that model's folders;
    other files stay.

    Log in first with "hf auth login", or set HF_TOKEN to a token that may write.

    Examples:

        onebert push --model-dir runs/mood/export/model --to my-name/mood
        onebert push --model-dir runs/mood/export/model --to my-org/mood --public --revision v2
    """
    if not model_dir.is_dir():
        raise UserError(f"--model-dir {model_dir}: no such folder; give the model/ folder that onebert export wrote")
    if to.count("/") != 1:
        raise UserError(f"--to {to}: must be ORG/NAME or USER/NAME")

    from search.push.hub import check_ready

    check_ready(to)

    from search.push.terminal import push_and_show

    push_and_show(model_dir, to, public, revision, message)


if __name__ == "__main__":
    cli.make_app(main)()
