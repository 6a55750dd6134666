import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import * as v from 'valibot';

/** What is answered instead of a result: RFC 9457, `application/problem+json`. https://www.rfc-editor.org/rfc/rfc9457 */

/** One thing that is wrong with one parameter. */
export const parameterIssueSchema = v.strictObject({
  parameter: v.pipe(v.string(), v.description('The parameter as it was sent.')),
  reason: v.pipe(v.string(), v.description('What is wrong with it, in words.')),
});
export type ParameterIssue = v.InferOutput<typeof parameterIssueSchema>;

export const problemSchema = v.strictObject({
  type: v.pipe(
    v.literal('about:blank'),
    v.description('Always that: the status says what kind of problem it is.'),
  ),
  title: v.pipe(v.string(), v.description("The status' name.")),
  status: v.pipe(v.number(), v.integer(), v.description('The HTTP status.')),
  detail: v.pipe(v.string(), v.description('What went wrong this time, in words.')),
  errors: v.exactOptional(
    v.pipe(v.array(parameterIssueSchema), v.description('Everything that is wrong with the parameters.')),
  ),
});
export type Problem = v.InferOutput<typeof problemSchema>;

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
} as const;
export type ProblemStatus = keyof typeof TITLES;

/** Thrown to answer with a problem. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: ProblemStatus;
  readonly errors: readonly ParameterIssue[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ProblemStatus,
    detail: string,
    more: {
      errors?: readonly ParameterIssue[];
      headers?: Readonly<Record<string, string>>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: more.cause });
    this.status = status;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

/** Seconds after which what is away is asked for again. */
const RETRY_AFTER_SECONDS = 5;

/** A 503 with Retry-After: what it needs is away, or busy. */
export function unavailable(detail: string, cause?: unknown): ApiProblem {
  return new ApiProblem(503, detail, { headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) }, cause });
}

/** A 400 that names every parameter that is wrong. */
export function badParameters(errors: readonly ParameterIssue[]): ApiProblem {
  const words = errors.map(({ parameter, reason }) => `${parameter} ${reason}`).join('; ');
  return new ApiProblem(400, words, { errors });
}

export function answerProblem(c: Context, { status, message, errors, headers }: ApiProblem): Response {
  const problem: Problem = {
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail: message,
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
  return c.body(JSON.stringify(problem), status as ContentfulStatusCode, {
    ...headers,
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  });
}
