import msgspec
import numpy as np

from slowfast_live.tools.training.augment import augment, reduced
from slowfast_live.tools.training.config import Augmentation, bundled

HOW = bundled().augmentation


def clip() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)


def only(**fields: float) -> Augmentation:
    """Nothing but what is named."""
    none = dict.fromkeys(HOW.__struct_fields__, 0.0) | {"coarsest": 0.5, "finest": 0.5}
    return msgspec.convert(none | fields, Augmentation)


def test_augmenting_is_seeded_and_gives_the_side_asked_for() -> None:
    first, again, other = (augment(clip(), np.random.default_rng(s), 24, HOW) for s in (1, 1, 2))
    assert first.shape == (4, 24, 24, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_what_stands_still_stays_still() -> None:
    still = np.repeat(clip()[:1], 4, 0)
    for seed in range(8):
        changed = augment(still, np.random.default_rng(seed), 32, HOW)
        assert (changed == changed[:1]).all()


def test_without_any_change_a_clip_stays_as_it_is() -> None:
    assert np.array_equal(augment(clip(), np.random.default_rng(0), 32, only()), clip())


def test_a_mirrored_clip_is_mirrored() -> None:
    assert np.array_equal(augment(clip(), np.random.default_rng(0), 32, only(mirror=1.0)), clip()[:, :, ::-1])


def test_a_blurred_clip_has_less_detail() -> None:
    blurred = augment(clip(), np.random.default_rng(0), 32, only(blur=1.0))
    assert (
        np.abs(np.diff(blurred.astype(int), axis=2)).mean() < 0.5 * np.abs(np.diff(clip().astype(int), axis=2)).mean()
    )


def test_colors_change_places() -> None:
    swapped = augment(clip(), np.random.default_rng(1), 32, only(swap_colors=1.0))
    assert sorted(swapped[0, 0, 0]) == sorted(clip()[0, 0, 0]) and not np.array_equal(swapped, clip())


def test_reducing_keeps_the_mean() -> None:
    assert abs(reduced(clip(), 16).mean() - clip().mean()) < 1
    assert reduced(clip(), 32).shape == clip().shape
