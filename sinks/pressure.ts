import { RetriableError } from '../common/errors.ts';

/** What a store has too little of, or too much: memory, parts that wait to be merged, requests at a time. */
export type Pressure = 'memory' | 'parts' | 'requests';

/** The store is there and does not take this now, since it has too much to do. The batch comes again; what follows is paced by it (pace.ts). */
export class PressureError extends RetriableError {
  override readonly name = 'PressureError';
  readonly pressure: Pressure;

  constructor(pressure: Pressure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.pressure = pressure;
  }
}
