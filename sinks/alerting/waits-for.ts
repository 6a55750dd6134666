import type { Flow } from '../../common/flow.ts';
import type { Summary, SummaryStep } from '../../common/summary.ts';

/** The first step of the flow that is not done, and the branch of it; '' where it cannot be said. */
export function waitsFor({ steps }: Summary, flow: Flow): { step: string; branch: string } {
  for (const expected of flow.steps) {
    if (expected.optional) continue;
    const seen = steps.filter(({ step }) => step === expected.step);
    const branches = 'branches' in expected ? expected.branches : undefined;
    const branch = Array.isArray(branches)
      ? branches.find((name) => !seen.some((one) => one.branch === name && isDone(one)))
      : openBranch(seen, branches ?? 1);
    if (branch !== undefined) return { step: expected.step, branch };
  }
  return { step: '', branch: '' };
}

/** Of a step whose branches have no names in the flow; undefined if nothing of it is open. */
function openBranch(seen: readonly SummaryStep[], expected: number): string | undefined {
  const open = seen.find((step) => !isDone(step));
  if (open !== undefined) return open.branch;
  return seen.length < expected ? '' : undefined;
}

function isDone({ status }: SummaryStep): boolean {
  return status === 'succeeded' || status === 'skipped';
}
