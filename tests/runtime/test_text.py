from gantool.text import END, read, words

VOCABULARY = (END, "a", "red", "rose", "été")


def test_words_are_letters_and_digits_in_lower_case() -> None:
    assert words("A Red-rose, été; (no. 7) _x_") == ["a", "red", "rose", "été", "no", "7", "x"]


def test_tokens_are_the_places_of_known_words() -> None:
    found = read(VOCABULARY, "A red, RED rose of an of été", 6)
    assert found.tokens.tolist() == [1, 2, 2, 3, 4, 0] and found.unknown == ("of", "an") and found.surplus == ()


def test_words_beyond_the_length_are_passed_over() -> None:
    found = read(VOCABULARY, "red rose a red", 2)
    assert found.tokens.tolist() == [2, 3] and found.unknown == () and found.surplus == ("a", "red")
