import { once } from 'node:events';
import { createServer } from 'node:net';
import { FatalError } from '../../common/errors.ts';
import type { Endpoint } from './plan.ts';

/** Looks before anything starts whether every address can be taken. Throws one FatalError that names all that cannot. */
export async function checkPorts(endpoints: readonly Endpoint[]): Promise<void> {
  const problems: string[] = [];
  for (const endpoint of endpoints) {
    const problem = await problemOf(endpoint);
    if (problem !== undefined) problems.push(problem);
  }
  if (problems.length > 0) throw new FatalError(problems.join('\n           '));
}

async function problemOf({ host, port, key }: Endpoint): Promise<string | undefined> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') return `port ${port} on ${host} is taken; set another one with \`${key}\``;
    if (code === 'EACCES')
      return `port ${port} on ${host} may not be opened by this user; set another one with \`${key}\``;
    return `cannot listen on ${host}:${port} (\`${key}\`): ${code}`;
  }
  server.close();
  await once(server, 'close');
  return undefined;
}
