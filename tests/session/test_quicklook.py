import numpy as np

from session.quicklook import shrink, stretch


def test_shrinking_keeps_the_mean():
    image = np.arange(64, dtype=np.float32).reshape(8, 8)
    assert shrink(image, 4).mean() == image.mean()


def test_a_flat_image_has_a_stretch():
    low, high = stretch(np.full((50, 50), 7.0, dtype=np.float32))
    assert low < high


def test_one_hot_pixel_does_not_set_the_stretch():
    image = np.random.default_rng(1).normal(100.0, 5.0, (500, 500)).astype(np.float32)
    image[3, 3] = 1e6
    low, high = stretch(image)
    assert 50 < low < 100 < high < 150
