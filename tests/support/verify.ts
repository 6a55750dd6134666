import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Report } from '../../scripts/verify/report.ts';
import { CLI } from './landscape.ts';

/** What `tranweave verify` says of a deployment, as an operator runs it. */
export async function verify(
  configFile: string,
  ...more: string[]
): Promise<{ code: number; report: Report }> {
  const args = [CLI, 'verify', '--json', ...more, '--config', configFile];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, report: JSON.parse(stdout) as Report };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    if (stdout === '') throw new Error(`verify failed: ${stderr}`, { cause: error });
    return { code, report: JSON.parse(stdout) as Report };
  }
}
