/** `http://host:port`, with the brackets that an IPv6 address has in URLs only. */
export function httpUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
