"""Load the encoder of a run, and make sure that it stays the one that the run began with."""

from __future__ import annotations

from core.config import RunConfig
from core.inputs.resources import Encoder, Resources
from core.model_files.encoder_content import EncoderContent
from core.run.run_folder import RunFolder
from data.errors import UnavailableError

__all__ = ["pinned_encoder"]


def pinned_encoder(config: RunConfig, folder: RunFolder, resources: Resources) -> Encoder:
    """Load a run's encoder, and write its content into the run's folder; compare the two if it is there already.

    An encoder that an earlier run of the process has loaded is loaded again if its files have changed since.

    Raises:
        UserError: if the encoder does not fit the run.
        UnavailableError: if it cannot be loaded, or is not the one that the folder names; the original files may be
            back in a moment.
        MachineError: if the folder cannot be read or written to.
    """
    encoder = resources.encoder(config)
    if not encoder.is_current():
        resources.forget_encoder(config)
        encoder = resources.encoder(config)
    stored = folder.read_encoder()
    if stored is None:
        folder.write_encoder(encoder.content.to_json())
    elif changes := EncoderContent.from_json(stored).changes(encoder.content):
        resources.forget_encoder(config)
        raise UnavailableError(
            f"encoder '{config.model.encoder}' has changed since the study began (other {' and '.join(changes)}), so "
            "trials could not be compared; put the original files back"
        )
    return encoder
