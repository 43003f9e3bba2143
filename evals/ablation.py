"""What each idea of retrieval is worth: the tables of `docs/ablation.md`, which this writes.

python -m evals.ablation > docs/ablation.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from agent.providers.embeddings import build_embedding
from agent.retrieval import PARTS
from agent.service import Service
from agent.settings import Settings, load_settings
from agent.sources.progress import silent
from evals.cases import Case
from evals.learned_weights import FIXED, LEARNED, HeldOut, Scores, Vector, cross_validated, lines, moved
from evals.report.markdown import table_lines
from evals.report.tables import differences_table, systems_table
from evals.retrieval import score
from evals.runs import Run
from evals.session import Plan, measure
from evals.systems import RememberedQueries, search_of

HEAD = """# What each idea of retrieval is worth

Written by `python -m evals.ablation > docs/ablation.md`; each figure has its 95 % interval. A row `without X` is what
ships, less exactly one idea; the second table of each set has what that idea is worth, question by question:

| idea | what it does |
|---|---|
| words | names said in plain words: the rarer the words, the more they count |
| mentions | names written as code; an attribute leads to the class that holds it |
| members | where a class is named, its members that match come before it |
| files | the file that is named comes first |
| messages | a quoted error message leads to the function that raises it |
| frames | the frames of a traceback lead to the functions it went through |
| usage | examples that match lend weight to what they use; one that comes first brings it along |
| spelling | names written as code that are misspelled by a letter are put right |
| priors | private names, shaders, bare modules, release notes and pages that outlived the code sink |
| vanished names | where a question uses a name that this version lacks, what took its place comes first |
| spread | the second block of one tutorial and the third method of one class make room |

The development questions are real ones (tutorials, documentation, issues); our own are written to be hard: slang,
tracebacks, migration from older versions. Ideas and weights were chosen on both, so that neither is a clean test set.
"""
DROPPED = """
## Tried and dropped

On the same 149 questions; the three figures are hit@1 / hit@5 / MRR, with the idea and as it was without.

- A vector for every parameter of a docstring, twice the vectors: .685 / .866 / .767 against .691 / .859 / .764.
- Vectors for what lies beyond the encoder's 256 tokens: .698 / .866 / .766 against .691 / .859 / .764, and lost on our
  own questions (hit@10 .855 against .868).
- Examples down where a question says "where" or "which": .698 / .893 / .775 against .698 / .899 / .776.
- Examples up where it says "how": .664 / .886 / .754 against the same. Tutorials come first already where they should.
- Examples down where it says "why": .685 / .899 / .768 against the same.
- Pages of the documentation as witnesses of what is used, beside examples: .691 / .893 / .771 against the same.
- Deprecated symbols down, by a factor of 0.7: .691 / .899 / .772 against .698 / .899 / .777; by 0.5: .685 / .893 /
  .766. Nothing gained, and questions lost that ask for what is deprecated.
- The titles of the examples that use a symbol, as one more ranking with a weight of 0.5: .705 / .906 / .783 against
  .698 / .899 / .777, which may be chance (MRR +.014, -.014 to +.048, on the development questions, and .000, -.020 to
  +.020, on our own); with 0.2: .698 / .899 / .778. Titles are not in the manifest, and would have to be.
- A call graph of the library, by which a private helper that matches lends weight to the public functions that reach
  it in at most two calls, as one more ranking: with a weight of 0.5 .691 / .906 / .778 against .698 / .899 / .777 (MRR
  -.013, -.045 to +.022, on the development questions, +.014, -.011 to +.043, on our own); with 0.2 .678 / .906 / .772,
  with 1 .631 / .906 / .746. Questions that a helper's words led astray are won, as many are lost to callers that have
  nothing to do with them.

Files and spelling change nothing on these questions; they are for those that name a file or misspell a name, of which
tests have some. Frames change nothing on these questions, whose tracebacks all end in a message that is found as well;
they stay for those that don't, of which a test has one.
"""


LEARNED_WEIGHTS = """
## Weights learned from the questions

The weights of the rankings, learned on four fifths of all questions and scored on the fifth that was held out, five
times over; once for all questions and once for each kind of question, as if somebody said which kind it is. The fixed
weights were chosen with all questions at hand, which is to their favour here.
"""


def page(run: Run, cases: Sequence[Case], fixed: Scores, ways: Sequence[HeldOut]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield HEAD
    own = [case for case in cases if (case.provenance or "").startswith("own")]
    for title, chosen in (("Development questions", [case for case in cases if case not in own]), ("Our own", own)):
        yield from table_lines(systems_table(run, chosen, title))
        yield from table_lines(differences_table(run, chosen, title))
    yield LEARNED_WEIGHTS
    yield from lines(fixed, ways)
    yield f"\nWhat the fixed weights were multiplied by, fold by fold: {'; '.join(moved(ways[0]))}."
    yield DROPPED


def learn(cases: Sequence[Case], settings: Settings) -> tuple[Scores, Sequence[HeldOut]]:
    """Return the reciprocal ranks that the fixed weights give, and those that learned ones give."""
    query = RememberedQueries(build_embedding(settings))
    query.remember([case.question for case in cases])
    service = Service(settings, embedding=query)
    try:
        engine = service.engine(None, None)

        def scored(weights: Vector) -> Scores:
            retriever = engine.retriever.with_parts(PARTS, dict(zip(LEARNED, weights, strict=True)))
            search = search_of(retriever, engine.absent)
            return score(cases, {case.id: search(case.question) for case in cases})["MRR"]

        return scored(FIXED), cross_validated(cases, scored)
    finally:
        service.close()


def main() -> int:
    """Measure what is not measured yet, and print the page."""
    plan = Plan(command="python -m evals.ablation")
    settings = load_settings()
    outcome = measure(plan, settings, silent)
    if outcome.problem is not None:
        raise outcome.problem
    fixed, ways = learn([case for case in outcome.cases if case.gold], settings)
    sys.stdout.write("\n".join(page(outcome.run, outcome.cases, fixed, ways)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
