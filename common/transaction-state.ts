import type { Status } from './tracking-log.ts';

/**
 * What is known of a transaction, by its logs alone. States, steps and facts have all their fields, known or not: objects of one shape are
 * read faster, and there are some for every log.
 */
export interface TransactionState {
  transaction_id: string;
  started_at: string;
  last_event_at: string;
  /** The newest log that set a state, as a fact whose value is the step's name. */
  last_step: Fact | undefined;
  facts: TransactionFacts;
  /** Sorted by key, which is also what decides who stays when there are too many. */
  business_keys: BusinessKey[];
  /** Sorted by (step, branch), which decides likewise. */
  steps: StepState[];
  first_error: FirstError | undefined;
  /** Whether there were more steps or keys than a summary holds. */
  cut: boolean;
}

/** A value and the log it came from: the greater (time, event id, value) wins. */
export interface Fact {
  readonly value: string;
  readonly at: string;
  readonly by: string;
}

export interface BusinessKey {
  readonly key: string;
  readonly fact: Fact;
}

export interface TransactionFacts {
  interface_id: Fact | undefined;
  parent_transaction_id: Fact | undefined;
  source_system: Fact | undefined;
  target_system: Fact | undefined;
}

export interface StepState {
  readonly step: string;
  readonly branch: string;
  readonly attempt: number;
  readonly status: Exclude<Status, 'info'>;
  /** When the deciding log happened, and which it is. */
  readonly at: string;
  readonly by: string;
  /** The earliest sign of the step: its first log, less the duration that the log reports. */
  readonly started_at: string;
  /** The latest terminal log; undefined while there is none. */
  readonly ended_at: string | undefined;
  /** As the deciding log reports it, if it does. */
  readonly duration_ms: number | undefined;
  readonly node: string | undefined;
  readonly error_code: string | undefined;
  readonly error_message: string | undefined;
}

/** The earliest failure ever seen; it stays when a later attempt clears the failure. */
export interface FirstError {
  readonly step: string;
  readonly branch: string;
  readonly error_code: string;
  readonly error_message: string;
  readonly at: string;
  readonly by: string;
}

/** The state of a transaction of which nothing is known but that it began then. */
export function emptyState(transactionId: string, startedAt: string, lastEventAt: string): TransactionState {
  return {
    transaction_id: transactionId,
    started_at: startedAt,
    last_event_at: lastEventAt,
    last_step: undefined,
    facts: {
      interface_id: undefined,
      parent_transaction_id: undefined,
      source_system: undefined,
      target_system: undefined,
    },
    business_keys: [],
    steps: [],
    first_error: undefined,
    cut: false,
  };
}

/** A state of its own that can be changed. What it is made of (steps, facts) is never changed, only replaced, and so is shared. */
export function copyState(state: TransactionState): TransactionState {
  return {
    ...state,
    facts: { ...state.facts },
    business_keys: state.business_keys.slice(),
    steps: state.steps.slice(),
  };
}
