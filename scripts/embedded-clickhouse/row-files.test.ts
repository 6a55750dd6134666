import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { startEmbeddedClickHouse } from './front.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-rows-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const start = (dataDir: string) =>
  startEmbeddedClickHouse({ host: '127.0.0.1', port: 0, dataDir, logger: silentLogger() });

test('rows of inserts leave no files behind, and no word of them in errors', async () => {
  const dataDir = join(dir, "it's [one] 한글");
  // As a process leaves it that is killed.
  await mkdir(join(dataDir, 'inserts'), { recursive: true });
  await writeFile(join(dataDir, 'inserts', '1'), '{"x":7}');
  const server = await start(dataDir);
  try {
    const ask = async (query: string) => (await fetch(server.url, { method: 'POST', body: query })).text();
    await ask('CREATE TABLE t (x UInt32) ORDER BY x');
    expect(await ask('INSERT INTO t FORMAT JSONEachRow\n{"x":1}\n{"x":2}')).toBe('');
    const refused = await ask('INSERT INTO t FORMAT JSONEachRow\n{"x":3}\n{"x":"4","y":5}\n{"x":"five"}');
    expect(refused).toMatch(/^Code: 27\. DB::Exception: Cannot parse input.*\(at row 3\)\n/);
    expect(refused).not.toMatch(/inserts|INFILE|from file|version/);
    expect(await ask('INSERT INTO nope FORMAT JSONEachRow\n{"x":1}')).not.toMatch(/inserts|from file/);
    const unknown = await ask('INSERT INTO t FORMAT Nope\n{"x":1}');
    expect(unknown).toBe('Code: 73. DB::Exception: Unknown format Nope. (UNKNOWN_FORMAT)\n');
    expect(await ask('SELECT groupArray(x) FROM t')).toBe('[1,2]\n');
    expect(await readdir(join(dataDir, 'inserts'))).toEqual([]);
  } finally {
    await server.stop();
  }
});

test.each(['a{b}', 'what?', 'a*', 'a::b'])(
  'a folder %s is refused: its inserts would read nothing and say nothing',
  async (name) => {
    await expect(start(join(dir, name))).rejects.toThrow(
      `the folder ${join(dir, name)} cannot be ClickHouse's: no name in its path may have * ? { } or ::`,
    );
  },
);
