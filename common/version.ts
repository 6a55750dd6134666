import { readFileSync } from 'node:fs';

/** The release, as package.json has it; read from beside the sources and from dist/ alike. */
export const VERSION: string = readVersion();

function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'tranweave' && version !== undefined) return version;
    } catch {
      // Not there: the other place has it.
    }
  }
  return 'unknown';
}
