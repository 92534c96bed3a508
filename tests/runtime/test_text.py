from gantool.text import END, tokens, words

VOCABULARY = (END, "a", "red", "rose", "été")


def test_words_are_letters_and_digits_in_lower_case() -> None:
    assert words("A Red-rose, été; (no. 7) _x_") == ["a", "red", "rose", "été", "no", "7", "x"]


def test_tokens_are_the_places_of_known_words() -> None:
    numbers, passed_over = tokens(VOCABULARY, "A red, RED rose of an été", 6)
    assert numbers.tolist() == [1, 2, 2, 3, 4, 0] and passed_over == ["of", "an"]


def test_words_beyond_the_length_are_passed_over() -> None:
    numbers, passed_over = tokens(VOCABULARY, "red rose a red", 2)
    assert numbers.tolist() == [2, 3] and passed_over == ["a", "red"]
