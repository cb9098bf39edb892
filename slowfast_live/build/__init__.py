"""From published checkpoints to models that the app runs: the torch side, imported by build_models.py."""
