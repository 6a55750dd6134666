import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasApt, openApt } from './apt.mjs';
import { runLogged, which } from './run.mjs';

/** The ways to come by a redis-server on a machine that has none, in the order in which they are tried. */

const BREW_MS_MAX = 10 * 60_000;
const PULL_MS_MAX = 5 * 60_000;
const QUICK_MS_MAX = 15_000;
const IMAGE = 'redis:7';

/** @returns the ways that this machine offers; each `install` resolves with `{ ok, tail }` */
export function ways({ env, isRoot, binDir, logFile }) {
  const run = (command, msMax) => runLogged(command, { env, logFile, msMax });
  const has = (name) => which(name, env) !== undefined;
  const found = [];
  if (hasApt({ env, isRoot })) {
    found.push({ name: 'apt-get', install: () => installByApt({ run, env, isRoot }) });
  }
  if (has('brew')) {
    found.push({ name: 'brew', install: () => run(['brew', 'install', 'redis'], BREW_MS_MAX) });
  }
  for (const engine of ['docker', 'podman'].filter(has)) {
    found.push({ name: engine, install: () => wrapContainer({ run, engine, binDir }) });
  }
  return found;
}

async function installByApt(machine) {
  const apt = await openApt(machine);
  return apt.refused ?? apt.install(['redis-server']);
}

async function wrapContainer({ run, engine, binDir }) {
  const usable = await run([engine, 'info'], QUICK_MS_MAX);
  if (!usable.ok) return usable;
  const pulled = await run([engine, 'pull', IMAGE], PULL_MS_MAX);
  if (!pulled.ok) return pulled;
  mkdirSync(binDir, { recursive: true });
  writeFileSync(join(binDir, 'redis-server'), wrapperScript(engine), { mode: 0o755 });
  return pulled;
}

/**
 * A redis-server on PATH that is a container: in the machine's own network, and with the folder that it works in (`--dir`, or its config
 * file's) mounted where it is. SIGTERM goes through to it; SIGKILL ends only the wrapper, so tests of crashes need a real one.
 */
export function wrapperScript(engine, uid = process.getuid?.(), gid = process.getgid?.()) {
  const user = engine === 'docker' ? `--user ${uid}:${gid}` : uid === 0 ? '' : '--userns keep-id';
  return `#!/bin/sh
# Written by scripts/bootstrap because no redis-server could be installed here.
set -eu
dir=''
previous=''
for word do
  if [ "$previous" = --dir ]; then dir=$word; fi
  previous=$word
done
if [ -z "$dir" ] && [ -f "\${1-}" ]; then dir=$(dirname "$1"); fi
set -- ${IMAGE} "$@"
if [ -n "$dir" ]; then set -- --volume "$dir:$dir" "$@"; fi
exec ${engine} run --rm --network host ${user} --entrypoint redis-server "$@"
`;
}
