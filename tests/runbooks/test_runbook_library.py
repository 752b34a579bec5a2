"""Observe: runbooks are found in their folder, and nowhere else."""

import pytest

from mission_control.model.catalogue import CATALOGUE
from mission_control.runbooks.library import MAX_BYTES, RunbookLibrary
from tests.runbooks.pages import FOLDER, PROCEDURES


@pytest.fixture
def folder(tmp_path):
    """Return a folder with three pages, and a file beside it that is none of them."""
    (tmp_path / "OUTSIDE.md").write_text("# OUTSIDE: not ours\n")
    inside = tmp_path / "runbooks"
    inside.mkdir()
    (inside / "TIMEOUT.md").write_text("# TIMEOUT: No whole answer\n\nWait.\n")
    (inside / "HTTP_STATUS.md").write_text("# HTTP_STATUS: Refused\n")
    (inside / "pre_market.md").write_text("# Before the open\n")
    return inside


def test_a_page_is_given_whole(folder):
    """A page comes with its code, its title without the code, and its Markdown as written."""
    page = RunbookLibrary(folder).read("TIMEOUT")

    assert page
    assert ("TIMEOUT", "No whole answer") == (page.code, page.title)
    assert (folder / "TIMEOUT.md").read_text() == page.markdown


@pytest.mark.parametrize(
    ("asked", "code", "title"),
    [
        pytest.param("HTTP_503", "HTTP_STATUS", "Refused", id="a shared page"),
        pytest.param("pre_market", "pre_market", "Before the open", id="a procedure"),
    ],
)
def test_a_page_is_found_by_what_it_explains(folder, asked, code, title):
    """A code that shares a page is led there, and a procedure is found by its own name."""
    page = RunbookLibrary(folder).read(asked)

    assert page
    assert (code, title) == (page.code, page.title)


def test_an_unknown_code_is_explained_as_such():
    """An unknown code is led to the page that says so."""
    page = RunbookLibrary(FOLDER).read("NEVER_HEARD")

    assert page
    assert "UNLISTED_REASON" == page.code


@pytest.mark.parametrize("code", sorted({*CATALOGUE, *PROCEDURES}))
def test_every_code_is_found(code):
    """Every code of the catalogue has its own page in the folder that is shipped."""
    page = RunbookLibrary(FOLDER).read(code)

    assert page
    assert code == page.code
    assert page.title
    assert not page.title.startswith(code)


@pytest.mark.parametrize(
    "code",
    [
        *("../OUTSIDE", "..", ".", "", "/etc/passwd", "..%2fOUTSIDE", "x/TIMEOUT", "TIMEOUT.md"),
        *("TIMEOUT\n", "TIMEOUT\0", "A" * 65, "TIM EOUT", "TIMEÖUT", "HTTP_٥٠٣"),
    ],
)
def test_only_a_plain_word_is_looked_for(folder, code):
    """Anything but a plain word is not even looked for."""
    assert RunbookLibrary(folder).read(code) is None


def test_no_link_leads_out_of_the_folder(folder):
    """A link to a file elsewhere is no page, and is not listed as one."""
    (folder / "LINK.md").symlink_to(folder.parent / "OUTSIDE.md")
    (folder / "BROKEN.md").symlink_to(folder / "NOWHERE.md")
    (folder / "ROUND.md").symlink_to(folder / "ROUND.md")
    library = RunbookLibrary(folder)

    assert [None] * 3 == [library.read(code) for code in ("LINK", "BROKEN", "ROUND")]
    assert ["HTTP_STATUS", "TIMEOUT", "pre_market"] == library.codes()


def test_a_mounted_configmap_is_read(folder):
    """A link that stays inside is a page: so does Kubernetes mount the files of a ConfigMap."""
    (folder / "..data").mkdir()
    (folder / "..data" / "EXPIRED.md").write_text("# EXPIRED: Too old\n")
    (folder / "EXPIRED.md").symlink_to("..data/EXPIRED.md")

    page = RunbookLibrary(folder).read("EXPIRED")

    assert page
    assert "Too old" == page.title


def test_a_page_is_cut_off_at_its_cap(folder):
    """A page larger than 64 KiB is cut off there, also in the middle of a character."""
    (folder / "TIMEOUT.md").write_text("# T\n" + "é" * MAX_BYTES)

    page = RunbookLibrary(folder).read("TIMEOUT")

    assert page
    assert MAX_BYTES >= len(page.markdown.encode())
    assert "é" == page.markdown[-1]


def test_bytes_that_are_no_text_are_shown_as_such(folder):
    """A page that is not UTF-8 is given with a mark in the place of each wrong byte."""
    (folder / "TIMEOUT.md").write_bytes(b"# T\n\xff\n")

    page = RunbookLibrary(folder).read("TIMEOUT")

    assert page
    assert "# T\n\N{REPLACEMENT CHARACTER}\n" == page.markdown


def test_a_folder_is_no_page(folder):
    """A folder with the name of a page is no page."""
    (folder / "EXPIRED.md").mkdir()

    assert RunbookLibrary(folder).read("EXPIRED") is None


def test_without_a_folder_there_is_no_page(tmp_path):
    """Where there is no folder nothing is found, and nothing fails."""
    library = RunbookLibrary(tmp_path / "nowhere")

    assert library.read("TIMEOUT") is None
    assert [] == list(library.codes())


def test_pages_are_listed_in_order(folder):
    """Only what is named as a page is listed, sorted."""
    (folder / "README.txt").write_text("no page")
    (folder / "not-a-code.md").write_text("no page")

    assert ["HTTP_STATUS", "TIMEOUT", "pre_market"] == RunbookLibrary(folder).codes()
