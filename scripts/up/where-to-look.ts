import type { TranweaveConfig } from '../tranweave-config.ts';

/** Where what runs can be reached. */
export interface Addresses {
  /** Input's name → address, of inputs that have one. */
  inputs: Readonly<Record<string, string>>;
  /** The query API's, if it is served. */
  api: string | undefined;
}

/** What a person wants to know once everything runs: where logs go in, where to ask, how to follow one transaction. */
export function whereToLook(
  config: TranweaveConfig,
  { inputs, api }: Addresses,
  { configFile, logDir }: { configFile: string; logDir: string },
): string {
  const rows: [string, string][] = Object.entries(inputs).map(([name, url]) => [
    `send logs (${name})`,
    `POST ${url}`,
  ]);
  for (const input of config.inputs) {
    if (input.type === 'file') rows.push([`follows (${input.name})`, input.paths.map(short).join(', ')]);
  }
  const store = config.sinks.find((sink) => sink.type === 'clickhouse');
  if (store !== undefined) {
    // Whichever it is: one that `up` started, or another.
    const url = new URL(store.url).origin;
    const sql = `SELECT interface_id, status, count() FROM ${store.database}.transaction_summary GROUP BY ALL ORDER BY ALL`;
    rows.push(
      ['ask in SQL', url],
      ['  for example', `curl -sS '${url}/?default_format=PrettyCompactMonoBlock' --data-binary '${sql}'`],
    );
  }
  if (api !== undefined) rows.push(['ask by HTTP', `${api}/v1`]);
  const flag = configFile === './tranweave.yml' ? '' : ` --config ${configFile}`;
  rows.push(
    ['one transaction', `npx tranweave trace${flag} <id>`],
    ['the streams', `npx tranweave status${flag}`],
    ['log files', logDir],
  );
  const width = Math.max(...rows.map(([title]) => title.length));
  return `\n${rows.map(([title, text]) => `  ${title.padEnd(width)}  ${text}`).join('\n')}\n\nCtrl-C stops everything.\n`;
}

function short(path: string): string {
  const here = `${process.cwd()}/`;
  return path.startsWith(here) ? path.slice(here.length) : path;
}
