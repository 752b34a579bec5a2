"""Market calendar: the date of Easter, on which Good Friday hangs."""

from datetime import date


def easter_sunday(year: int) -> date:
    """
    Give the date of Easter in the Gregorian calendar.

    This is the anonymous algorithm printed in Nature, 20 April 1876, as Jean Meeus gives it in
    "Astronomical Algorithms" (2nd edition, chapter 8); it needs no table and knows no exception.
    The one-letter names of the book are spelled out; `full_moon` and `correction` are its h and m.
    """
    golden = year % 19
    century, year_of_century = divmod(year, 100)
    century_leaps, century_rest = divmod(century, 4)
    shift = (century + 8) // 25
    lunar_shift = (century - shift + 1) // 3
    full_moon = (19 * golden + century - century_leaps - lunar_shift + 15) % 30
    leaps, rest = divmod(year_of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - full_moon - rest) % 7
    correction = (golden + 11 * full_moon + 22 * weekday) // 451
    month, day = divmod(full_moon + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)
