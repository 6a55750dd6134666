/** Times as people read them: in a zone of their own choice, and saying so. */

/** @param zone IANA name. @returns what makes `2026-01-31 18:15:00.123 +09:00` of a canonical time (common/timestamp.ts). */
export function zonedTime(zone: string): (text: string) => string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const offset = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  return (text) => {
    const at = Date.parse(`${text.slice(0, 23).replace(' ', 'T')}Z`);
    const name = offset.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '';
    return `${parts.format(at)}.${text.slice(20, 23)} ${name === 'GMT' || name === 'GMT+00:00' ? 'UTC' : name.replace('GMT', '')}`;
  };
}
