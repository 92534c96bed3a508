import torch

from gantool_trainer import image_pool


def numbered(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None, None, None].expand(-1, 3, 2, 2)


def test_it_gives_back_what_it_gets_until_it_is_full() -> None:
    own = image_pool.empty(3, 2)
    assert torch.equal(image_pool.exchange(own, numbered(1, 2)), numbered(1, 2))
    assert torch.equal(own["pictures"][:2], numbered(1, 2)) and own["filled"] == 2


def test_then_every_other_one_is_an_older_one_in_whose_place_it_goes() -> None:
    torch.manual_seed(0)
    own = image_pool.empty(4, 2)
    image_pool.exchange(own, numbered(*range(4)))
    given = [float(image_pool.exchange(own, numbered(value))[0, 0, 0, 0]) for value in range(4, 104)]
    older = sum(value < number for number, value in enumerate(given, start=4))
    assert 30 < older < 70
    kept = own["pictures"][:, 0, 0, 0].tolist()
    assert sorted(given + kept) == list(range(104)), "each picture is given once or still there"


def test_without_room_it_keeps_nothing() -> None:
    assert torch.equal(image_pool.exchange(image_pool.empty(0, 2), numbered(5)), numbered(5))
