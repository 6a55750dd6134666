import { StageError } from './stage.mjs';

const NODE_MIN = [20, 19];

/** @param {string} version of process.versions.node */
export function checkNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    throw new StageError(
      `this is Node.js ${version}; Tranweave needs ${NODE_MIN.join('.')} or newer: install it, then run this again`,
    );
  }
  return { detail: version };
}
