"""Run the fuzzer by hand: python -m tests.robustness [CASES OF EACH KIND] [FIRST SEED] [KIND...]"""

import sys
import tempfile
from pathlib import Path

from .cases import KINDS
from .crew import Crew
from .fixtures import make_fixtures


def main() -> None:
    """Print every failure as it comes, and the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    kinds = sys.argv[3:] or list(KINDS)
    with tempfile.TemporaryDirectory() as place:
        fixtures = Path(place) / "fixtures"
        make_fixtures(fixtures)
        crew = Crew(fixtures, Path(place) / "cases")
        for kind in kinds:
            for seed in range(first, first + count):
                answer = crew.run(kind, seed)
                for problem in answer["problems"]:
                    sys.stdout.write(f"{kind} {seed}: {problem}\n")
                    sys.stdout.write(f"    {answer.get('arguments')}\n")
                    sys.stdout.flush()
        crew.close()
        sys.stdout.write(crew.table() + "\n")


if __name__ == "__main__":
    main()
