import type { Status } from '../../common/tracking-log.ts';

/** What texts of a status field mean, and those that nobody can know. */

const WORDS: Readonly<Record<Status, RegExp>> = {
  started: /^(?:started|start|begin|began|begun|in_?progress|시작)$/i,
  succeeded:
    /^(?:succeeded|success|successful|succ|ok|okay|s|y|yes|true|done|complete|completed|end|ended|finished|normal|정상|성공|완료)$/i,
  failed:
    /^(?:failed|failure|fail|ng|nok|n|no|f|e|err|error|false|fatal|severe|crit|critical|alert|emerg|abort|aborted|rollback|exception|비정상|실패|오류)$/i,
  skipped: /^(?:skipped|skip|ignored)$/i,
  info: /^$/,
};
/** Levels at which programs tell of what goes on as usual. */
const LEVELS = /^(?:trace|debug|info|information|notice|warn|warning)$/i;
const VALUES_MAX = 20;

export interface StatusGuess {
  /** For `values:` of a rule. */
  values: Record<string, Status | 'TODO'>;
  default?: Status;
  why: string;
}

/** Undefined if the texts are none of a status. @param texts each of them once. @param often the text that most records have. */
export function guessStatusValues(texts: readonly string[], often: string): StatusGuess | undefined {
  if (texts.length === 0 || texts.length > VALUES_MAX) return undefined;
  if (texts.every((text) => statusOf(text) === text))
    return { values: {}, why: 'it has the words of the standard log' };
  if (texts.every((text) => /^\d{1,6}$/.test(text) || /^[A-Z]{0,3}\d{1,6}$/.test(text)))
    return ofCodes(texts, often);
  if (texts.some((text) => LEVELS.test(text))) return ofLevels(texts);
  const known = Object.fromEntries(texts.map((text) => [text, statusOf(text) ?? 'TODO'] as const));
  if (Object.values(known).every((status) => status === 'TODO')) return undefined;
  return { values: known, why: 'what its texts usually mean' };
}

function statusOf(text: string): Status | undefined {
  return (Object.keys(WORDS) as Status[]).find((status) => WORDS[status].test(text) || text === status);
}

/** Zeros, or an HTTP status below 400. Without any of them nobody can know which codes are good. */
function ofCodes(texts: readonly string[], often: string): StatusGuess | undefined {
  const good = texts.filter((text) => /^[A-Z]*0+$/.test(text));
  const http = texts.every((text) => /^[1-5]\d\d$/.test(text)) ? texts.filter((text) => text < '400') : [];
  const succeeded = good.length > 0 ? good : http;
  if (succeeded.length === 0) {
    return {
      values: { [often]: 'TODO' },
      default: 'failed',
      why: `it looks like a code; ${often} is the one that comes most often`,
    };
  }
  return {
    values: Object.fromEntries(succeeded.map((text) => [text, 'succeeded' as const])),
    default: 'failed',
    why: `it looks like a code of which ${succeeded.join(', ')} is good and all others are failures`,
  };
}

function ofLevels(texts: readonly string[]): StatusGuess {
  const failed = [
    ...new Set([...texts.filter((text) => statusOf(text) === 'failed'), ...usualFailures(texts)]),
  ];
  return {
    values: Object.fromEntries(failed.map((text) => [text, 'failed' as const])),
    default: 'succeeded',
    why: 'it is the level of a log: errors are failures',
  };
}

/** In the letters that the log has. */
function usualFailures(texts: readonly string[]): string[] {
  return texts.some((text) => text === text.toUpperCase()) ? ['ERROR', 'FATAL'] : ['error', 'fatal'];
}
