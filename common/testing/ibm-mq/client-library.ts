import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../server-process.ts';

/** The stand-in client library, compiled: `dir` is what a program names as the folder of its client library. */
export interface ClientLibrary {
  dir: string;
  remove(): Promise<void>;
}

const SOURCE = fileURLToPath(new URL('./libmqm_r.c', import.meta.url));

/** Compiles it with `cc` and the headers of the ibmmq package, into a folder of the caller's own. */
export async function buildClientLibrary(): Promise<ClientLibrary> {
  const sources = join(dirname(createRequire(import.meta.url).resolve('ibmmq/package.json')), 'src');
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-mq-library-'));
  const flags = ['-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-pthread'];
  const headers = [join(sources, 'unix'), sources].map((folder) => `-I${folder}`);
  await runCommand('cc', [...flags, ...headers, '-o', join(dir, 'libmqm_r.so'), SOURCE]);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}
