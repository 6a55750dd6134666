import { globSync } from 'tinyglobby';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkConfig } from '../common/config.ts';
import { systemClock } from '../common/clock.ts';
import { silentLogger } from '../common/logger.ts';
import { startClickHouse } from '../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../common/testing/clickhouse.ts';
import { singleServer } from '../sinks/clickhouse/topology.ts';
import { definitionOf } from '../sinks/insights/definition.ts';
import { createTables } from '../sinks/insights/table.ts';
import { createSink, sinkSchema } from '../sinks/registry.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';
import * as v from 'valibot';

/** What the documents tell people to type must work. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const documents = globSync(['*.md', 'docs/**/*.md', 'examples/*/README.md'], { cwd: ROOT }).sort();
const textOf = (file: string) => readFileSync(`${ROOT}/${file}`, 'utf8');
const blocks = (file: string, language: string) =>
  [...textOf(file).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, body]) =>
    name === language ? [body!] : [],
  );

const statements = documents
  .flatMap((file) => [
    ...blocks(file, 'sql').flatMap((block) =>
      block.split(/;\s*$/m).map((sql) => [file, sql.trim()] as const),
    ),
    ...blocks(file, 'sh').flatMap((block) =>
      [...block.matchAll(/--data-binary "([^"]*)"/g)].map((m) => [file, m[1]!.trim()] as const),
    ),
  ])
  .filter(([, sql]) => sql !== '');

let server: TestClickHouse;
beforeAll(async () => {
  server = await startClickHouse();
  const config = v.parse(sinkSchema, { name: 'clickhouse', type: 'clickhouse', url: server.url });
  const sink = createSink(config, { name: 'clickhouse', clock: systemClock, logger: silentLogger() });
  await sink.open(new AbortController().signal);
  await sink.close();
  // The views of insights are made by insights, as the documents define them.
  const texts = [textOf('examples/campaign/tranweave.yml'), ...blocks('docs/insights.md', 'yaml')];
  for (const { insights } of texts.map((text) => checkConfig(text, tranweaveConfigSchema, {}).config!)) {
    for (const insight of insights) {
      const generation = { definition: definitionOf(insight), generation: '20260302T000000000' };
      await createTables(server.client, 'tranweave', singleServer, generation, new AbortController().signal);
    }
  }
});
afterAll(() => server.stop());

describe('SQL in the documents', () => {
  test.each(statements)('%s: %s', async (_file, sql) => {
    await expect(server.rows(sql)).resolves.toBeInstanceOf(Array);
  });

  test('is found where there is some', () => {
    expect(new Set(statements.map(([file]) => file))).toEqual(
      new Set([
        'README.ko.md',
        'README.md',
        'docs/insights.md',
        'docs/queries.md',
        'docs/sql-cookbook.md',
        'examples/campaign/README.md',
        'examples/eai/README.md',
        'examples/hub-euc-kr/README.md',
        'examples/ibm-ace/README.md',
        'examples/java/README.md',
        'examples/orders/README.md',
      ]),
    );
  });
});

test.each(['tranweave.yml', ...globSync('examples/*/tranweave.yml', { cwd: ROOT }).sort()])(
  '%s is valid',
  (file) => {
    expect(checkConfig(textOf(file), tranweaveConfigSchema, {}).mistakes).toBeUndefined();
  },
);

test.each(blocks('docs/sinks-mongodb-ndjson.md', 'yaml'))(
  'config in the document about sinks: %s',
  (yaml) => {
    expect(checkConfig(yaml, tranweaveConfigSchema, { MONGODB_PASSWORD: 'secret' }).mistakes).toBeUndefined();
  },
);

test('the settings in docs/ibm-mq.md are right, and go together', () => {
  const [input = '', tls = ''] = blocks('docs/ibm-mq.md', 'yaml');
  const indented = tls.replace(/^(?=.)/gm, '    ');
  const env = { MQ_PASSWORD: 'secret', MQ_KEY_PASSWORD: 'secret' };
  expect(checkConfig(`${input}${indented}`, tranweaveConfigSchema, env).mistakes).toBeUndefined();
});

test('links within the repository lead somewhere', () => {
  const broken = documents.flatMap((file) =>
    [...textOf(file).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map((m) => new URL(m[1]!, `file://${ROOT}/${file}`))
      .filter((url) => globSync(fileURLToPath(url), { onlyFiles: false, absolute: true }).length === 0)
      .map((url) => `${file}: ${url.pathname.slice(ROOT.length)}`),
  );
  expect(broken).toEqual([]);
});

test('the README is in step with its Korean counterpart: the same chapters, commands and statements', () => {
  const shape = (file: string) => ({
    chapters: [...textOf(file).matchAll(/^#+ /gm)].length,
    code: [...textOf(file).matchAll(/^```(?:sh|sql)\n([\s\S]*?)^```$/gm)].map((m) => m[1]),
    links: [...textOf(file).matchAll(/\]\(([^)]+)\)/g)]
      .map((m) => m[1])
      .filter((link) => !link!.startsWith('README')),
  });
  expect(shape('README.ko.md')).toEqual(shape('README.md'));
});
