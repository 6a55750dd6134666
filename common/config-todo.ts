import { isPair, isScalar, isSeq, visit } from 'yaml';
import type { Document } from 'yaml';
import type { ConfigPath } from './config.ts';

/** What is still to be filled in: a value that is this word and nothing else. `tranweave init --from` writes it where only people can know. */
export const TODO = 'TODO';

/** The places of all of them, in the order of the text. */
export function todosOf(document: Document): { path: ConfigPath; offset: number }[] {
  const found: { path: ConfigPath; offset: number }[] = [];
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (key === 'key' || node.value !== TODO) return;
      found.push({ path: pathTo([...ancestors, node]), offset: node.range?.[0] ?? 0 });
    },
  });
  return found;
}

function pathTo(nodes: readonly unknown[]): ConfigPath {
  return nodes.flatMap((node, index): (string | number)[] => {
    if (isPair(node)) return [String(isScalar(node.key) ? node.key.value : node.key)];
    return isSeq(node) ? [node.items.indexOf(nodes[index + 1])] : [];
  });
}
