import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { startEmbeddedClickHouse } from './front.ts';
import type { EmbeddedClickHouse } from './front.ts';

const PASSWORD = 'secret word';
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each !== undefined && !each.internal && each.family === 'IPv4')?.address;

let dir: string;
let secret: string;
let written: string;
let server: EmbeddedClickHouse;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-guard-'));
  [secret, written] = [join(dir, 'secret.csv'), join(dir, 'written.csv')];
  await writeFile(secret, 'treasure');
  server = await startEmbeddedClickHouse({
    host: '127.0.0.1',
    hostBesides: ownAddress === undefined ? undefined : '0.0.0.0',
    port: 0,
    dataDir: join(dir, 'data'),
    password: PASSWORD,
    logger: silentLogger(),
  });
  await ask('127.0.0.1', 'POST', 'CREATE TABLE t (file String, attributes Map(String, String)) ORDER BY ()');
  await ask('127.0.0.1', 'POST', "INSERT INTO t VALUES ('own', {'file': 'x'})");
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The answer to a question in which SECRET and WRITTEN are files, and what it is refused with, if it is. */
async function ask(host: string, method: 'GET' | 'POST', question: string, params = '') {
  const query = question.replaceAll('SECRET', secret).replaceAll('WRITTEN', written);
  const url = `http://${host}:${server.port}/?${params.replaceAll('SECRET', encodeURIComponent(secret))}`;
  const headers = { 'X-ClickHouse-Key': PASSWORD };
  const response =
    method === 'POST'
      ? await fetch(url, { method: 'POST', headers, body: query })
      : await fetch(`${url}&query=${encodeURIComponent(query)}`, { headers });
  const text = await response.text();
  return { code: response.headers.get('x-clickhouse-exception-code'), text };
}

const asksOf: [
  'another address' | 'here, by GET',
  (question: string, params?: string) => ReturnType<typeof ask>,
][] = [['here, by GET', (question, params) => ask('127.0.0.1', 'GET', question, params)]];
if (ownAddress !== undefined) {
  asksOf.push(['another address', (question, params) => ask(ownAddress, 'POST', question, params)]);
}

describe.each(asksOf)('from %s', (_from, asked) => {
  test.each([
    // Names and texts in all their quotes, which could hide what follows.
    "SELECT 1 AS `a'`, file('SECRET')",
    "SELECT 1 AS `a'`, file('SECRET'), 2 AS `b'`",
    `SELECT 1 AS "a'", file('SECRET')`,
    `SELECT 1 AS "a""'", file('SECRET')`,
    "SELECT 1 AS `a``'`, file('SECRET')",
    "SELECT 1 AS `a\\`'`, file('SECRET')",
    "SELECT 'a''', file('SECRET')",
    String.raw`SELECT 'a\'', file('SECRET')`,
    "SELECT $a$'$a$, file('SECRET')",
    "SELECT $$`$$, file('SECRET')",
    'SELECT 1 AS "`", file(\'SECRET\') AS "`"',
    "SELECT ‘'’, file('SECRET')",
    "SELECT 1 AS “'”, file('SECRET')",
    // Comments.
    "SELECT /* ' */ file('SECRET')",
    "SELECT /* /* ' */ */ file('SECRET')",
    "SELECT 1, -- '\n file('SECRET')",
    "SELECT 1, # '\n file('SECRET')",
    "SELECT 1, #! '\n file('SECRET')",
    // The type of a parameter, which the normal form leaves as it is.
    `SELECT {x:Tuple("a'" String)}, file('SECRET')`,
    "SELECT {x:Tuple(a /* ' */ String)}, file('SECRET'), {x:Tuple(a /* ' */ String)}",
    "SELECT {x:Tuple(a -- '\n String)}, file('SECRET'), {x:Tuple(a -- '\n String)}",
    "SELECT {x:Tuple(“'” String)}, file('SECRET')",
    "SELECT {x:Tuple($a$'$a$ String)}, file('SECRET')",
    // The name in other spellings.
    "SELECT `file`('SECRET')",
    `SELECT "file"('SECRET')`,
    "SELECT `f\\x69le`('SECRET')",
    "SELECT file/**/('SECRET')",
    "SELECT file\n\t\u00a0\u3000('SECRET')",
    "SELECT FILE('SECRET')",
    "file('SECRET')",
    // The name alone.
    "SELECT * APPLY(file) FROM (SELECT 'SECRET' AS p)",
    "SELECT * APPLY file FROM (SELECT 'SECRET' AS p)",
    "SELECT COLUMNS('p') APPLY(`file`) FROM (SELECT 'SECRET' AS p)",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT 'SECRET' AS p)",
    "SELECT arrayMap(file, ['SECRET'])",
    "SELECT arrayMap(`file`, ['SECRET'])",
    "WITH file AS f SELECT arrayMap(f, ['SECRET'])",
    "WITH (x -> file(x)) AS f SELECT f('SECRET')",
    // Where else it may stand.
    "SELECT 1 WHERE throwIf(file('SECRET') != '')",
    "SELECT 1 ORDER BY file('SECRET')",
    "EXPLAIN SELECT 1 AS `a'`, file('SECRET')",
    "DESCRIBE (SELECT 1 AS `a'`, file('SECRET'))",
    "WITH a AS (SELECT file('SECRET') AS f) SELECT * FROM a",
    "SELECT * FROM view(SELECT 1 AS `a'`, file('SECRET') AS f)",
    // A path in place of a table.
    'SELECT * FROM `SECRET`',
    'SELECT * FROM "SECRET"',
    "SELECT * FROM 'SECRET'",
    'SELECT * FROM default.`SECRET`',
    "SELECT 'x' IN `SECRET`",
    'DESCRIBE TABLE `SECRET`',
    'SELECT * FROM view(SELECT * FROM `SECRET`)',
    'EXISTS TABLE `SECRET`',
    'SHOW CREATE TABLE `SECRET`',
    // Table functions.
    "SELECT * FROM file('SECRET', LineAsString)",
    "SELECT 1 AS `a'`, * FROM file('SECRET', LineAsString)",
    "SELECT * FROM `file`('SECRET', LineAsString)",
    "SELECT * FROM loop(file('SECRET', LineAsString)) LIMIT 1",
    "SELECT * FROM view(SELECT 1 AS `a'`, * FROM file('SECRET', LineAsString))",
    "DESCRIBE TABLE file('SECRET')",
    "SELECT * FROM filesystem('SECRET')",
    "SELECT * FROM fileCluster('x', 'SECRET', LineAsString)",
    "SELECT 1 AS `a'` UNION ALL SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
    "SELECT 1 AS `a'` UNION ALL SELECT * FROM s3('http://127.0.0.1:1/x', LineAsString)",
    "SELECT 1 AS `a'`, * FROM remote('127.0.0.1', system.one)",
    "SELECT 1 AS `a'`, * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT 1 AS `a'`, * FROM sqlite('WRITTEN', 't')",
    "SELECT 1 AS `a'`, * FROM executable('x.sh', CSV, 'a String')",
    "SELECT 1 AS `a'`, * FROM eval('SELECT file(''SECRET'')') SETTINGS allow_experimental_eval_table_function = 1",
    "SELECT AIGenerate('x', 'y')",
    "SELECT arrayMap(aiGenerate, ['x'])",
    "SELECT catboostEvaluate('SECRET', 1)",
    // Statements that write.
    "CREATE TEMPORARY TABLE x ENGINE = File(CSV, 'WRITTEN') AS SELECT 'evil'",
    "SELECT 1 AS `a'` PARALLEL WITH INSERT INTO FUNCTION file('WRITTEN', CSV, 'x UInt8') SELECT 1",
    "INSERT INTO FUNCTION file('WRITTEN', CSV, 'x UInt8') SELECT 1 AS `a'`",
    "BACKUP TABLE t TO File('WRITTEN')",
    "SELECT 1 AS `a'` INTO OUTFILE 'WRITTEN'",
    "SELECT 1 AS `a'` UNION ALL SELECT 2 INTO OUTFILE 'WRITTEN' TRUNCATE FORMAT TSV",
    "EXPLAIN SELECT 1 AS `a'` INTO OUTFILE 'WRITTEN'",
    "SHOW TABLES LIKE '`' INTO OUTFILE 'WRITTEN'",
    "DESCRIBE (SELECT 1 AS `a'`) INTO/**/OUTFILE 'WRITTEN'",
    "SELECT {x:Tuple(a /* ' */ String)} INTO OUTFILE 'WRITTEN' COMPRESSION 'none'",
    'SELECT 1 AS "`" INTO OUTFILE \'WRITTEN\' FORMAT `CSV`',
  ])('nothing is reached by %s', async (question) => {
    const { code, text } = await asked(question, 'param_x=(%27b%27)');
    expect([code, text]).toEqual([expect.stringMatching(/^\d+$/), expect.not.stringContaining('treasure')]);
    expect(existsSync(written)).toBe(false);
    expect(await readFile(secret, 'utf8')).toBe('treasure');
  });

  test.each([
    ["SELECT arrayMap({x:Identifier}, ['SECRET'])", 'file'],
    ["SELECT arrayMap({ x : Identifier }, ['SECRET'])", String.raw`fil\x65`],
    ['SELECT * FROM {x:Identifier}', 'SECRET'],
    ['EXISTS TABLE {x:Identifier}', 'SECRET'],
  ])('nor by %s with %s as the name', async (question, name) => {
    const { code, text } = await asked(question, `param_x=${name}`);
    expect([code, text]).toEqual([expect.stringMatching(/^\d+$/), expect.not.stringContaining('treasure')]);
  });

  test.each([
    ["SELECT attributes['file'] AS `file` FROM t", 'x'],
    ["SELECT 'it''s file(1) INTO OUTFILE' AS \"a'\"", "it\\'s file(1) INTO OUTFILE"],
    ['SELECT t.file AS f FROM t', 'own'],
    ['SELECT input FROM (SELECT 1 AS input)', '1'],
    ['SELECT url, format, redis FROM (SELECT 1 AS url, 2 AS format, 3 AS redis)', '1\t2\t3'],
    ['SELECT airline, fileName FROM (SELECT 1 AS airline, 2 AS fileName)', '1\t2'],
    ["SELECT 1 AS `a'b`, - -1 /* it's */ -- it's", '1\t1'],
    ['SELECT count() FROM {x:Identifier}', '1'],
    [
      "SELECT {y:String} || ' and ' || {z:Map(String, Enum8('a' = 1, 'it''s' = 2))}['k']::String",
      "file(/* and it\\'s",
    ],
    ['SELECT sum(number) FROM numbers(3)', '3'],
    ["SELECT count() FROM values('a UInt8', 1, 2)", '2'],
    ["SELECT count() FROM merge('default', '^t$')", '1'],
    ['SELECT * FROM view(SELECT 1)', '1'],
    ['EXISTS TABLE t', '1'],
    ['SHOW TABLES', 't'],
    ["SELECT name FROM system.databases WHERE name = 'default'", 'default'],
  ])('%s is answered', async (question, answer) => {
    const params = `param_x=t&param_y=${encodeURIComponent('file(/*')}&param_z=${encodeURIComponent("{'k':'it\\'s'}")}`;
    expect(await asked(question, params)).toEqual({ code: null, text: `${answer}\n` });
  });
});
