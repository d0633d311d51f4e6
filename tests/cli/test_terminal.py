"""How the command behaves in front of a person: colours, the moving line, the question."""

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable

from cli_company import COMMAND, Company, environment


class Session:
    """The command on a pseudo-terminal of 100 columns."""

    def __init__(self, company: Company, *arguments: str, **more: str) -> None:
        self.master, slave = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=company.folder,
            env=environment(COLUMNS="100", LINES="40", **more),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def read_until(self, done: Callable[[str], bool], seconds: float = 30.0) -> str:
        """Read what is shown until it is enough or the command ended."""
        deadline = time.monotonic() + seconds
        while not done(self.text) and time.monotonic() < deadline:
            if not select.select([self.master], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self.master, 65_536)
            except OSError:
                break
            if not piece:
                break
            self.text += piece.decode("utf-8", errors="replace")
        return self.text

    def answer(self, text: str) -> None:
        """Type an answer."""
        os.write(self.master, f"{text}\n".encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        self.read_until(lambda _: False)
        code = self.process.wait(timeout=30)
        os.close(self.master)
        return code


def test_colours_appear_on_a_terminal(company: Company) -> None:
    """Together with a moving line while the apps are read."""
    session = Session(company, "plan")
    assert session.end() == 0
    assert "\x1b[31m- account" in session.text
    assert "\x1b[32m+ account" in session.text
    assert "Reading 2 apps" in session.text


def test_colours_stay_away_where_nobody_wants_them(company: Company) -> None:
    """By NO_COLOR, by option, and on a dumb terminal."""
    for arguments, more in ((["plan"], {"NO_COLOR": "1"}), (["plan", "--no-color"], {}), (["plan"], {"TERM": "dumb"})):
        session = Session(company, "--quiet", *arguments, **more)
        assert session.end() == 0
        assert "\x1b[3" not in session.text, (arguments, more)


def test_lines_fit_the_terminal(company: Company) -> None:
    """A hundred columns are kept to."""
    session = Session(company, "--quiet", "--no-color", "plan")
    session.end()
    assert max(map(len, session.text.splitlines())) <= 100


def test_no_means_that_nothing_is_applied(company: Company) -> None:
    """The plan is shown, the question asked, and the files stay as they were."""
    before = company.read("wiki.csv")
    session = Session(company, "apply")
    session.read_until(lambda text: "Apply these changes?" in text)
    assert "suspended" in session.text
    session.answer("n")
    assert session.end() == 0
    assert "nothing was applied" in session.text
    assert company.read("wiki.csv") == before


def test_yes_means_that_it_is_applied(company: Company) -> None:
    """With a report at the end."""
    session = Session(company, "apply")
    session.read_until(lambda text: "Apply these changes?" in text)
    session.answer("y")
    assert session.end() == 0
    assert "8 done and verified" in session.text
    assert "sam@acme.example,suspended" in company.read("wiki.csv")


def test_an_interruption_ends_with_130_and_one_word(company: Company) -> None:
    """No traceback, and nothing was applied."""
    before = company.read("wiki.csv")
    session = Session(company, "apply")
    session.read_until(lambda text: "Apply these changes?" in text)
    time.sleep(0.5)  # from showing the question to waiting for its answer
    session.process.send_signal(signal.SIGINT)
    assert session.end() == 130
    assert "interrupted" in session.text
    assert "Traceback" not in session.text
    assert company.read("wiki.csv") == before


def test_nothing_to_do_asks_nothing(company: Company) -> None:
    """A second apply is over by itself."""
    company.run("apply", "--yes")
    session = Session(company, "apply")
    assert session.end() == 0
    assert "Apply these changes?" not in session.text
    assert "nothing to do" in session.text
