import type { ContentfulStatusCode } from 'hono/utils/http-status';

/**
 * A request that is not taken, with what its sender is told. Thrown from any step on the way of a request, since reading
 * a body ends streams through errors anyway; the routes answer it in one place.
 */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;

  /** @param message for the sender, in words. */
  constructor(
    status: ContentfulStatusCode,
    message: string,
    { headers = {}, cause }: { headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.status = status;
    this.headers = headers;
  }
}

/** Our own bounds are reached: gone as soon as some requests are answered. */
const BUSY_RETRY_AFTER_S = 1;
/** Redis has to be drained or to come back. */
const REDIS_RETRY_AFTER_S = 5;

/** 503 because this process has as much at hand as it may. */
export function busy(message: string): HttpRefusal {
  return new HttpRefusal(503, message, { headers: { 'Retry-After': String(BUSY_RETRY_AFTER_S) } });
}

/** 503 because Redis can not take it now. */
export function redisCannot(message: string, cause: unknown): HttpRefusal {
  return new HttpRefusal(503, message, { headers: { 'Retry-After': String(REDIS_RETRY_AFTER_S) }, cause });
}
