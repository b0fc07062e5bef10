"""From book/ to notebooks/: what a learner opens, and what happens when something goes wrong."""

import json
import re
import sys
from datetime import date

import keras
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from tools import book, markdown, status, weave

NOTEBOOKS = sorted(book.NOTEBOOKS.glob("*.ipynb"))
CHAPTER = """\
---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

See {ref}`later`, where $a < b$.

```{code-cell} ipython3
from rnn_course.data.memory import adding
print(adding(1, 3)[0].shape)
```

(later)=
## Later

```{code-cell} ipython3
---
mystnb:
  image:
    alt: "A line."
  figure:
    caption: "It goes *up*."
---
import matplotlib.pyplot as plt
plt.plot([1, 2]);
```

```{code-cell} ipython3
---
mystnb:
  image:
    alt: "A dot."
---
from IPython.display import SVG
SVG('<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>')
```
"""


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """A book of one chapter, in a folder of its own."""
    for module, name in ((book, "BOOK"), (markdown, "BOOK"), (book, "NOTEBOOKS")):
        folder = tmp_path / name.lower()
        folder.mkdir(exist_ok=True)
        monkeypatch.setattr(module, name, folder)
    monkeypatch.setattr(status, "RUNS", tmp_path / "runs")
    book.labels.cache_clear()
    path = tmp_path / "book" / "00-test.md"
    path.write_text(CHAPTER)
    yield path
    book.labels.cache_clear()


def cells(path, kind):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


# ---- the notebooks that are there ------------------------------------------------------------------------------------


def test_there_is_a_notebook_for_each_chapter():
    assert [n.stem for n in NOTEBOOKS] == [c.stem for c in book.chapters()]
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_myst_survives_in_the_text(path):
    raw = re.compile(
        r"\{[\w:+-]+\}`"  # a role
        r"|^\s*(:{3,}|`{3,}\{|~{3,}\{)"  # a directive
        r"|^\([\w-]+\)=\s*$"  # a label
        r"|^\s*:[\w-]+:\s"  # an option
        r"|\$\$\s*\([\w-]+\)"  # a labelled equation
        r"|^%\s|^\+\+\+",  # a comment, a block break
        re.MULTILINE,
    )
    for cell in cells(path, "markdown"):
        assert not raw.search(cell.source), f"{path.name}: {raw.search(cell.source)[0]!r} in\n{cell.source}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_links_lead_out_of_the_notebook(path):
    for cell in cells(path, "markdown"):
        for target in re.findall(r"\]\(([^)\s]*)\)", cell.source):
            assert target.startswith("https://"), f"{path.name}: a link to {target!r}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_cell_was_run_in_order_and_none_failed(path):
    code = cells(path, "code")
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert not [o for c in code for o in c.outputs if o.output_type == "error" or o.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_picture_is_described(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            for kind in {"image/png", "image/svg+xml"} & output.get("data", {}).keys():
                assert output.metadata[kind].get("alt"), f"{path.name}: not described:\n{cell.source}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_each_check_asserts_and_each_assertion_is_a_check(path):
    for cell in cells(path, "code"):
        if "# check:" in cell.source:
            assert "assert " in cell.source, cell.source
        if "assert " in cell.source and "hide-cell" not in cell.metadata.get("tags", []):
            assert cell.source.startswith("# check: "), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_cells_are_short(path):
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= 25, cell.source


@pytest.mark.parametrize("path", book.chapters(), ids=lambda p: p.stem)
def test_every_chapter_has_every_part(path):
    source = path.read_text(encoding="utf-8")
    for part in ("Key points", "What you will be able to do", "In one line", "In one minute", "In full"):
        assert part in source, f"{path.name} lacks {part!r}"
    headings = re.findall(r"^## (.+)$", source, re.MULTILINE)
    assert headings[-6:] == ["Recap", "Exercises", "Quiz", "Flash cards", "Further reading", "Where the code lives"]
    assert len(re.findall(r"^### Exercise \d", source, re.MULTILINE)) >= 4
    assert len(re.findall(r"^:::\{dropdown\} Solution$", source, re.MULTILINE)) >= 4
    key_points = source.partition("} Key points\n")[2].partition(":::")[0]
    assert 1 <= key_points.count("\n- ") + key_points.startswith("- ") <= 5


@pytest.mark.parametrize("path", book.chapters(), ids=lambda p: p.stem)
def test_each_quiz_question_has_one_right_answer_and_says_why_the_others_are_wrong(path):
    quiz = path.read_text(encoding="utf-8").partition("\n## Quiz\n")[2].partition("\n## ")[0]
    questions = re.split(r"^\*\*\d+\. ", quiz, flags=re.MULTILINE)[1:]
    assert len(questions) >= 5
    for question in questions:
        answers = re.findall(r":class-container: quiz\n(.+?)\n:::", question, re.DOTALL)
        verdicts = [re.match(r"\*\*(Right|No)\.\*\* \S", a) for a in answers]
        assert all(verdicts), question
        assert [v[1] for v in verdicts].count("Right") == 1 and len(answers) >= 3, question


# ---- the set-up cell -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_colab", [False, True])
def test_the_set_up_cell_installs_the_package_in_colab_only(in_colab, monkeypatch):
    installed = []
    shell = InteractiveShell.instance()
    shell.register_magic_function(installed.append, "line", "pip")
    if in_colab:
        monkeypatch.setitem(sys.modules, "google.colab", object())
    result = shell.run_cell(cells(NOTEBOOKS[0], "code")[0].source)
    result.raise_error()
    assert len(installed) == in_colab
    for line in installed:
        assert line.split()[:2] == ["install", "--quiet"] and len(line.split()) == 3


def test_every_notebook_starts_with_the_set_up_cell():
    for path in NOTEBOOKS:
        first = nbformat.read(path, as_version=4).cells[0]
        assert first.cell_type == "code" and first.source == weave.setup_code()


# ---- weaving ---------------------------------------------------------------------------------------------------------


def test_weaving(chapter, capsys):
    weave.weave(chapter)
    notebook = book.NOTEBOOKS / "00-test.ipynb"
    first = notebook.read_bytes()
    assert "(1, 3, 2)" in cells(notebook, "code")[1].outputs[0].text
    assert cells(notebook, "code")[2].outputs[-1].metadata["image/png"]["alt"] == "A line."
    assert cells(notebook, "code")[3].outputs[-1].metadata["image/svg+xml"]["alt"] == "A dot."
    texts = [c.source for c in cells(notebook, "markdown")]
    assert texts[-1] == "*It goes *up*.*" or texts[-1].startswith("*It goes")
    assert f"[Later]({book.page_address('00-test', 'later')})" in texts[0]

    run = status.run_of("00-test")
    assert run["on"] == date.today().isoformat() and run["versions"]["keras"] == keras.__version__
    assert run["seconds"] > 0 and 50 < run["megabytes"] < 9_999  # a kernel with matplotlib

    weave.weave(chapter)  # nothing changed: it does not run
    assert notebook.read_bytes() == first and "up to date" in capsys.readouterr().out
    weave.weave(chapter, force=True)  # run again: the same, byte for byte
    assert notebook.read_bytes() == first
    assert not weave.check(chapter)


def test_only_changed_code_runs_again(chapter, monkeypatch, capsys):
    weave.weave(chapter)
    notebook = book.NOTEBOOKS / "00-test.ipynb"
    ran = []
    monkeypatch.setattr(weave, "execute", lambda notebook, chapter: ran.append(chapter.stem))

    chapter.write_text(CHAPTER.replace("See {ref}", "Do see {ref}"))
    assert weave.check(chapter)
    weave.weave(chapter)
    assert not ran and "Do see" in notebook.read_text() and "(1, 3, 2)" in notebook.read_text()

    chapter.write_text(CHAPTER.replace("adding(1, 3)", "adding(1, 4)"))
    capsys.readouterr()
    weave.weave(chapter)
    assert ran == ["00-test"] and "its code changed" in capsys.readouterr().out


def test_changed_package_code_runs_the_chapters_that_use_it(chapter, monkeypatch):
    made_from = weave.woven(chapter).metadata["rnn_course"]["made_from"]
    assert "rnn_course/data/memory.py" in made_from and "rnn_course/data/_check.py" in made_from
    assert "rnn_course/layers.py" not in made_from
    old = weave.woven(chapter)
    old.metadata["rnn_course"]["made_from"]["rnn_course/data/memory.py"] = "another"
    assert weave.reasons_to_run(old, weave.woven(chapter)) == ["rnn_course/data/memory.py changed"]


def test_a_failing_cell_is_named_and_the_old_notebook_stays(chapter, capsys, monkeypatch):
    weave.weave(chapter)
    notebook = book.NOTEBOOKS / "00-test.ipynb"
    before = notebook.read_bytes()
    monkeypatch.setattr(weave, "ROOT", chapter.parent.parent)
    monkeypatch.setattr(weave, "made_from", lambda notebook: {"code": "changed"})
    chapter.write_text(CHAPTER.replace("plt.plot([1, 2]);", "plt.plot([1, 2]);\n1 / 0"))
    with pytest.raises(weave.ChapterError) as error:
        weave.weave(chapter)
    assert "00-test.md:20: code cell 2 failed" in str(error.value) and "ZeroDivisionError" in str(error.value)
    assert notebook.read_bytes() == before


def test_warnings_in_a_chapter_are_errors(chapter, monkeypatch):
    monkeypatch.setattr(weave, "ROOT", chapter.parent.parent)
    monkeypatch.setattr(weave, "made_from", lambda notebook: {"code": "changed"})
    chapter.write_text(CHAPTER.replace("plt.plot([1, 2]);", "import warnings; warnings.warn('beware')"))
    with pytest.raises(weave.ChapterError, match="beware"):
        weave.weave(chapter)


def test_an_interrupted_write_leaves_the_old_notebook_whole(chapter, monkeypatch):
    notebook = book.NOTEBOOKS / "00-test.ipynb"
    notebook.write_text("old")

    def interrupted(path, text, **kwargs):
        with open(path, "w") as file:
            file.write(text[: len(text) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(type(notebook), "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        weave.write_notebook(weave.woven(chapter), notebook)
    assert notebook.read_text() == "old" and [p.name for p in book.NOTEBOOKS.iterdir()] == ["00-test.ipynb"]


# ---- from MyST to Markdown -------------------------------------------------------------------------------------------

REWRITTEN = {
    "{doc}`01-neuron`": "[1. The recurrent neuron]({base}/01-neuron.html)",
    "{doc}`it <01-neuron>`": "[it]({base}/01-neuron.html)",
    "{ref}`rows-and-columns`": "[Columns in the equations, rows in the code]({base}/notation.html#rows-and-columns)",
    "{eq}`neuron-state`": "[(1)]({base}/01-neuron.html#equation-neuron-state)",
    "{term}`hidden state`": "[hidden state]({base}/glossary.html#term-hidden-state)",
    "{class}`~rnn_course.layers.SimpleRNN`": "[`SimpleRNN`]({base}/api.html#rnn_course.layers.SimpleRNN)",
    "{cite:t}`elman1990`": "[Elman (1990)](https://doi.org/10.1207/s15516709cog1402_1)",
    "[a](notation.md)": "[a]({base}/notation.html)",
    "`{ref}` in code stays, as does $x_{t-1}$": "`{ref}` in code stays, as does $x_{t-1}$",
    "it costs 5 dollars": "it costs 5 dollars",
    "% a comment": "",
    "(a-label)=": "",
    "```{note}\nMind $h_0$.\n```": "> **Note**\n>\n> Mind $h_0$.",
    ":::{admonition} Key points\n- one\n:::": "> **Key points**\n>\n> - one",
    ":::{dropdown} Why *tanh*?\n:class-container: card\nIt **squashes**.\n:::": (
        "<details>\n<summary>Why <em>tanh</em>?</summary>\n\nIt **squashes**.\n\n</details>"
    ),
    "::::{tab-set}\n:::{tab-item} Short\nA.\n:::\n::::": "<details>\n<summary>Short</summary>\n\nA.\n\n</details>",
    "```{math}\n:label: neuron-state\na = b\n```": "$$\na = b\n\\tag{1}\n$$",
    "$$\na = b\n$$": "$$\na = b\n$$",
    "```python\nx = 1\n```": "```python\nx = 1\n```",
}


@pytest.mark.parametrize("source", REWRITTEN)
def test_rewriting(source):
    assert markdown.to_notebook(source, "01-neuron") == REWRITTEN[source].replace(
        "{base}", book.config()["html"]["baseurl"]
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{unheard}`of`", r"01-neuron.md: no notebook form for the role \{unheard\}"),
        ("```{unheard} of\n```", r"01-neuron.md: no notebook form for the directive \{unheard\}"),
        ("{ref}`nowhere`", "nothing in the book is labelled 'nowhere'"),
        ("{cite:t}`nobody1900`", "references.bib has no entry 'nobody1900'"),
    ],
)
def test_what_has_no_notebook_form_is_an_error(source, message):
    with pytest.raises(ValueError, match=message):
        markdown.to_notebook(source, "01-neuron")


def test_included_code_is_the_package_s_own():
    source = "```{literalinclude} ../rnn_course/bptt.py\n:pyobject: weight_gradients\n```"
    text = markdown.to_notebook(source, "01-neuron")
    assert "def weight_gradients(cell, x, saved, d_sums):" in text and "product_sum(x, d_sums[0])" in text
    assert "def pack" not in text and text.startswith("From [rnn_course/bptt.py](https://")


def test_included_text_is_cut_from_its_file_and_its_pictures_come_from_the_site():
    options = ":start-after: long they remember\n:end-before: '## Ablations'"
    source = f"```{{include}} ../benchmarks/results/memory-tasks.md\n{options}\n```"
    text = markdown.to_notebook(source, "01-neuron")
    assert "## Success by length" in text and "## Ablations" not in text and "# How long" not in text
    assert f"]({book.config()['html']['baseurl']}/_images/memory-tasks.png)" in text
    with pytest.raises(ValueError, match=r"01-neuron.md: .*memory-tasks.md has no '## Nothing'"):
        markdown.to_notebook(source.replace("long they remember", "'## Nothing'"), "01-neuron")


def test_notebooks_are_plain_json_that_git_can_compare():
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n") and json.loads(text)["nbformat"] == 4
