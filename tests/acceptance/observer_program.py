"""Another observer, in a process of its own: runs one plan and prints what came of it as JSON.

Arguments: prefix, data root, plan, its arguments as JSON, and how often to try when it is refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import plans
from devices import connect
from session.run_engine import make_run_engine
from slitless.errors import SlitlessError


def main() -> int:
    prefix, root, plan, arguments, tries = sys.argv[1:]
    plans.use(connect(prefix, timeout=30))
    run_engine = make_run_engine(Path(root))
    refusals: list[str] = []
    ids: list[int] = []
    print("connected", flush=True)
    while not ids and len(refusals) < int(tries):
        try:
            ids = run_engine(getattr(plans, plan)(**json.loads(arguments))).plan_result  # pyright: ignore
        except SlitlessError as error:
            refusals.append(str(error))
    print(json.dumps({"ids": ids, "refusals": refusals[:3]}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
