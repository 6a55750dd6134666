import { distinct } from './profile.ts';
import type { Profile } from './profile.ts';
import { guessTime } from './time.ts';

/** Which field is likely to be what, by its name first and by what it says second. */

/** Names without case, signs and the path before them: `order.OrderNo` is `orderno`. */
const plainName = (path: string) =>
  (path.split('.').at(-1) ?? '').toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');

/** Words of names, and how much each says. */
const ID_NAMES: readonly [RegExp, number][] = [
  [
    /^(?:global|local|business|biz)?(?:transaction|trans|tran|txn|trx|tx)(?:id|no|key|seq|number)?$|거래(?:번호|아이디|id)/u,
    10,
  ],
  [/^(?:globalid|guid|uuid|gid|correlation(?:id|no)?|correl(?:id)?|corrid)$|전문번호|추적번호/u, 8],
  [
    /^(?:order|ord|msg|message|request|req|trace|ref|reference|document|doc|tracking)(?:id|no|num|number|key|uuid|ref)?$|주문번호/u,
    6,
  ],
  [/(?:id|no|key)$/u, 3],
];
const NAMES = {
  interface:
    /^(?:interface|if|intf|iface|intfc)(?:id|name|cd|code|no)?$|^(?:service|svc|route|topic|flow|messageflow)(?:id|name|cd|code)?$|인터페이스/u,
  step: /^(?:step|stage|phase|hop|stg)(?:name|cd|code|id)?$|^(?:event|eventname|action|activity|process|point)$|단계/u,
  status:
    /^(?:status|stat|state|result|rslt|res|rc|outcome|success|kind|level|severity|loglevel)(?:cd|code)?$|^(?:ret|return|resp|response|err|error|reason)?(?:cd|code)$|결과|상태/u,
  time: /time|date|stamp|^ts$|^at$|일시|시각|시간/u,
  duration: /^(?:duration|elapsed|took|latency|elapsedtime|responsetime)(?:ms|millis)?$/u,
  node: /^(?:node|host|hostname|server|machine|integrationnode)$/u,
  process: /^(?:process|appname|program|application|app|thread|integrationserver)$/u,
  source: /^(?:source|src|from|sender)(?:system|sys)?$/u,
  target: /^(?:target|tgt|dest|destination|to|receiver)(?:system|sys)?$/u,
  errorCode: /^(?:err|error)(?:cd|code)$/u,
  errorMessage: /^(?:err|error)(?:msg|message|text)$|^(?:exception|stack|stacktrace)$/u,
  payload: /^(?:payload|body)$/u,
} as const;
export type NamedRole = keyof typeof NAMES;

/** Whether the field's name says that it is this. */
export function isNamed({ path }: Profile, role: NamedRole): boolean {
  return NAMES[role].test(plainName(path));
}

/** Of several with such a name the one that the most records have; of those the first. */
export function byName(profiles: readonly Profile[], role: NamedRole): Profile | undefined {
  return profiles.filter((profile) => isNamed(profile, role)).sort((a, b) => b.share - a.share)[0];
}

/** An id of content alone must have this many points. */
const ID_SCORE_MIN = 3;

/** The field that tells which records belong together. */
export function transactionIdOf(profiles: readonly Profile[]): Profile | undefined {
  const scored = profiles
    .map((profile) => ({ profile, score: idScore(profile) }))
    .filter(({ score }) => score >= ID_SCORE_MIN);
  return scored.sort((a, b) => b.score - a.score || b.profile.share - a.profile.share)[0]?.profile;
}

function idScore(profile: Profile): number {
  const { texts, share } = profile;
  const isId = texts.every((text) => /^[\w.:@/#-]{3,128}$/.test(text)) && guessTime(texts) === undefined;
  if (
    !isId ||
    share < 0.2 ||
    texts.some((text) => /^-?\d+\.\d+$|^(?:\d+\.){3}\d+$|^\S+@\S+\.\w+$/.test(text))
  )
    return 0;
  const name = ID_NAMES.find(([pattern]) => pattern.test(plainName(profile.path)))?.[1] ?? 0;
  const hasDigits = texts.every((text) => /\d{2}/.test(text));
  const isMixed = hasDigits && texts.every((text) => /[^\d.]/.test(text) || text.length >= 8);
  // Some records tell of the same: that is what such an id is for.
  const values = distinct(profile).length;
  const isShared = values > 1 && values < texts.length;
  return name + (isMixed ? 3 : 0) + (isShared ? 1 : 0) + (share === 1 ? 0.5 : 0) - (hasDigits ? 0 : 2);
}

/** The field that is a time in most records: one whose name says so, or the first. */
export function timeOf(profiles: readonly Profile[]) {
  const times = profiles.flatMap((profile) => {
    const guess = profile.share < 0.8 ? undefined : guessTime(distinct(profile));
    // Numbers of so many digits are other things as well.
    const isOther = guess?.patterns[0]?.startsWith('epoch') === true && !isNamed(profile, 'time');
    return guess === undefined || isOther ? [] : [{ profile, guess }];
  });
  return times.find(({ profile }) => isNamed(profile, 'time')) ?? times[0];
}

/** The field of which process of a transaction each record tells: few texts, each of them often. */
export function stepOf(profiles: readonly Profile[]): Profile | undefined {
  const named = profiles.filter((profile) => isNamed(profile, 'step') && profile.share >= 0.8);
  const exact = named.find(({ path }) => /step|stage|phase|hop|단계/i.test(path)) ?? named[0];
  if (exact !== undefined && distinct(exact).length <= STEPS_MAX) return exact;
  return profiles.find((profile) => {
    const values = distinct(profile);
    const isFew =
      values.length >= 2 && values.length <= UNNAMED_STEPS_MAX && values.length * 2 <= profile.texts.length;
    const isWords =
      values.every((text) => /^\p{L}[\p{L} _-]*$/u.test(text)) && values.some((text) => text.length > 2);
    return isFew && isWords && profile.share === 1 && !isNamed(profile, 'status') && isUnnamed(profile);
  });
}

const STEPS_MAX = 20;
const UNNAMED_STEPS_MAX = 8;
/** Only fields that nobody has given a name are looked at for what they say. */
const isUnnamed = ({ path }: Profile) => /^field_\d+$/.test(path);
