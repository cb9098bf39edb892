import numpy as np

from slowfast_live.tools.evaluation.composite import BLACK_UP_TO, PaintedBackground, painted


def cut_out(value: int = 120) -> np.ndarray:
    image = np.full((60, 80, 3), 6, np.uint8)
    image[20:50, 30:50] = value
    return image


def test_the_person_stays_and_the_black_is_painted() -> None:
    result = PaintedBackground("clip").behind(cut_out())
    assert result.shape == (60, 80, 3) and result.dtype == np.uint8
    assert (result[24:46, 34:46] == 120).all()
    assert result[:15].mean() > BLACK_UP_TO and result[:15].std() > 1


def test_the_background_stands_still_and_follows_from_name_and_seed() -> None:
    background = PaintedBackground("clip", 3)
    first, second = background.behind(cut_out(100)), background.behind(cut_out(180))
    assert np.array_equal(first[:15], second[:15])
    assert np.array_equal(first, PaintedBackground("clip", 3).behind(cut_out(100)))
    assert not np.array_equal(first, PaintedBackground("other", 3).behind(cut_out(100)))
    assert not np.array_equal(first, PaintedBackground("clip", 4).behind(cut_out(100)))


def test_backgrounds_are_no_single_color_whatever_the_seed() -> None:
    for seed in range(20):
        picture = painted(48, 64, np.random.default_rng(seed))
        assert picture.std() > 5 and picture.mean() > 20
