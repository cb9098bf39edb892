"""How well a model knows clips whose class is known: `build_models.py evaluate`. Needs no torch."""
