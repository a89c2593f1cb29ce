"""Forward diffusion: what is added can be told apart again, and the end is pure noise."""

import torch
from torch import nn

from scumble.training import diffusion


def test_the_schedule_ends_in_pure_noise() -> None:
    squares = diffusion.alphas_cumprod()
    assert len(squares) == diffusion.STEPS
    assert squares[-1] == 0
    assert squares[0] > 0.999
    assert (squares.diff() < 0).all()


def test_training_and_sampling_use_the_same_schedule() -> None:
    torch.testing.assert_close(
        diffusion.alphas_cumprod(), diffusion.scheduler().alphas_cumprod, atol=1e-6, rtol=0
    )


def test_noise_can_be_taken_away_again() -> None:
    torch.manual_seed(0)
    latents, noise = torch.randn(2, 5, 4, 8, 8)
    squares = diffusion.alphas_cumprod()[[0, 200, 500, 900, 999]]
    noisy = diffusion.add_noise(latents, noise, squares)
    v = diffusion.velocity(latents, noise, squares)
    torch.testing.assert_close(diffusion.clean(noisy, v, squares), latents)


def test_at_the_last_step_only_noise_is_seen_and_only_the_picture_is_asked_for() -> None:
    latents, noise = torch.ones(1, 4, 2, 2), torch.full((1, 4, 2, 2), 3.0)
    end = torch.zeros(1)
    assert torch.equal(diffusion.add_noise(latents, noise, end), noise)
    assert torch.equal(diffusion.velocity(latents, noise, end), -latents)


def test_diffusers_agrees_about_noise_and_velocity() -> None:
    torch.manual_seed(1)
    latents, noise = torch.randn(2, 3, 4, 8, 8)
    steps = torch.tensor([3, 400, 990])
    scheduler = diffusion.scheduler()
    squares = diffusion.alphas_cumprod()[steps]
    torch.testing.assert_close(
        diffusion.add_noise(latents, noise, squares),
        scheduler.add_noise(latents, noise, steps),
        atol=1e-4,
        rtol=1e-4,
    )
    torch.testing.assert_close(
        diffusion.velocity(latents, noise, squares),
        scheduler.get_velocity(latents, noise, steps),
        atol=1e-4,
        rtol=1e-4,
    )


def test_min_snr_weighs_easy_steps_down_and_noisy_ones_all_alike() -> None:
    squares = diffusion.alphas_cumprod()
    weights = diffusion.min_snr_weight(squares)
    snr = squares / (1 - squares)
    assert (weights[snr < 1] == diffusion.NOISY_WEIGHT).all()
    middle = (snr < diffusion.GAMMA) & (snr > 1)
    torch.testing.assert_close(weights[middle], (snr / (snr + 1))[middle])
    easy = snr > diffusion.GAMMA
    torch.testing.assert_close(weights[easy], (diffusion.GAMMA / (snr + 1))[easy])


def test_drift_is_broad_a_share_of_the_picture_and_none_at_pure_noise() -> None:
    squares = diffusion.alphas_cumprod()[[999, 700, 100]]
    none = torch.zeros(3, 64, 16, 16)
    added = diffusion.with_drift(none, squares, torch.Generator().manual_seed(0))
    assert not added[0].any()
    signal, sigma = squares.sqrt(), (1 - squares).sqrt()
    broad = nn.functional.avg_pool2d(added, 4)
    for which in (1, 2):
        size = broad[which].std() * sigma[which] / signal[which]  # of the picture's own latents
        assert size <= diffusion.DRIFT
        assert broad[which].std() > 0.75 * added[which].std()  # white noise: a quarter
    assert broad[1].std() * sigma[1] / signal[1] > 0.5 * diffusion.DRIFT
    assert added[2].abs().max() < 5 * diffusion.MOST_DRIFT
