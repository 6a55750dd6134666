/** MQ's reason codes in words, and what is to be done about them. */

/** `soon`: the same may work in a moment. `later`: somebody has to mend something first; trying often would only fill logs. */
export type Patience = 'soon' | 'later';

interface Reason {
  name: string;
  words: string;
  patience: Patience;
}

const soon = (name: string, words: string): Reason => ({ name, words, patience: 'soon' });
const later = (name: string, words: string): Reason => ({ name, words, patience: 'later' });

export const REASONS: Readonly<Record<number, Reason>> = {
  2003: soon('MQRC_BACKED_OUT', 'the queue manager backed out the unit of work'),
  2009: soon('MQRC_CONNECTION_BROKEN', 'the connection to the queue manager was lost'),
  2010: later(
    'MQRC_DATA_LENGTH_ERROR',
    'a message is larger than the channel allows (MAXMSGL of the channel)',
  ),
  2016: later('MQRC_GET_INHIBITED', 'getting is inhibited for the queue: ALTER QLOCAL(…) GET(ENABLED)'),
  2018: soon('MQRC_HCONN_ERROR', 'the connection to the queue manager is not valid any more'),
  2019: soon('MQRC_HOBJ_ERROR', 'the queue is not open any more'),
  2024: later(
    'MQRC_SYNCPOINT_LIMIT_REACHED',
    'batch_messages_max is more than the queue manager allows in a unit of work (MAXUMSGS)',
  ),
  2035: later(
    'MQRC_NOT_AUTHORIZED',
    'the queue manager refuses: user, password, channel rule (CHLAUTH) or authority for the queue; AMQERR01.LOG there says which',
  ),
  2041: soon('MQRC_OBJECT_CHANGED', 'the queue was changed while it was open'),
  2042: later('MQRC_OBJECT_IN_USE', 'somebody has the queue open exclusively'),
  2045: later(
    'MQRC_OPTION_NOT_VALID_FOR_TYPE',
    'the queue is of a kind that cannot be got from, such as a remote queue',
  ),
  2051: later('MQRC_PUT_INHIBITED', 'putting is inhibited for the queue'),
  2052: later('MQRC_Q_DELETED', 'the queue was deleted'),
  2053: later('MQRC_Q_FULL', 'the queue is full'),
  2058: later('MQRC_Q_MGR_NAME_ERROR', 'there is no queue manager of this name at that address'),
  2059: soon('MQRC_Q_MGR_NOT_AVAILABLE', 'the queue manager is not available'),
  2063: later('MQRC_SECURITY_ERROR', 'the queue manager could not check user and password'),
  2082: later('MQRC_UNKNOWN_ALIAS_BASE_Q', 'the alias names a queue that does not exist'),
  2085: later('MQRC_UNKNOWN_OBJECT_NAME', 'there is no such queue'),
  2102: soon('MQRC_RESOURCE_PROBLEM', 'the queue manager is short of resources'),
  2161: soon('MQRC_Q_MGR_QUIESCING', 'the queue manager is about to stop'),
  2162: soon('MQRC_Q_MGR_STOPPING', 'the queue manager is stopping'),
  2195: soon(
    'MQRC_UNEXPECTED_ERROR',
    'the queue manager or the client library met an error of its own (see AMQERR01.LOG and FDC files)',
  ),
  2202: soon('MQRC_CONNECTION_QUIESCING', 'the connection is about to be ended by the queue manager'),
  2203: soon('MQRC_CONNECTION_STOPPING', 'the connection is being ended by the queue manager'),
  2218: later(
    'MQRC_MSG_TOO_BIG_FOR_CHANNEL',
    'a message is larger than the channel allows (MAXMSGL of the channel)',
  ),
  2219: soon('MQRC_CALL_IN_PROGRESS', 'another call is under way on the connection'),
  2223: soon('MQRC_Q_MGR_NOT_ACTIVE', 'the queue manager is not running'),
  2273: soon('MQRC_CONNECTION_ERROR', 'the client library could not make the connection'),
  2278: later(
    'MQRC_CLIENT_CONN_ERROR',
    'the channel definition is not usable: look at ccdt, connection and channel',
  ),
  2298: later('MQRC_FUNCTION_NOT_SUPPORTED', 'the queue manager or the client library is too old for this'),
  2381: later(
    'MQRC_KEY_REPOSITORY_ERROR',
    'the key repository cannot be read (tls.key_repository, without its ending for a .kdb)',
  ),
  2393: later(
    'MQRC_SSL_INITIALIZATION_ERROR',
    'TLS could not be set up: cipher, key repository or certificate',
  ),
  2396: later('MQRC_SSL_NOT_ALLOWED', 'this client library does no TLS'),
  2397: later('MQRC_JSSE_ERROR', 'TLS failed'),
  2398: later(
    'MQRC_SSL_PEER_NAME_MISMATCH',
    "the queue manager's certificate has another name than tls.peer_name",
  ),
  2399: later('MQRC_SSL_PEER_NAME_ERROR', 'tls.peer_name is not a distinguished name'),
  2401: later('MQRC_SSL_CERTIFICATE_REVOKED', 'a certificate was revoked'),
  2537: soon(
    'MQRC_CHANNEL_NOT_AVAILABLE',
    'the channel is not available: stopped, or at its limit of instances (MAXINST)',
  ),
  2538: soon('MQRC_HOST_NOT_AVAILABLE', 'nobody answers at that address: is the listener running?'),
  2539: later('MQRC_CHANNEL_CONFIG_ERROR', 'the definitions of the channel do not go together'),
  2540: later('MQRC_UNKNOWN_CHANNEL_NAME', 'the queue manager has no such channel'),
  2543: soon('MQRC_STANDBY_Q_MGR', 'the queue manager is a standby'),
};

/** An outage that nobody knows is one that may pass. */
export function patienceFor(reason: number): Patience {
  return REASONS[reason]?.patience ?? 'soon';
}

/** `there is no such queue (MQOPEN: 2085, MQRC_UNKNOWN_OBJECT_NAME)` */
export function describeReason(verb: string, reason: number): string {
  const known = REASONS[reason];
  if (known === undefined)
    return `MQ${verb} failed with reason ${reason} (\`mqrc ${reason}\` says what it is)`;
  return `${known.words} (MQ${verb}: ${reason}, ${known.name})`;
}
